"""FRR on one router: finding the daemons, rendering and applying their configuration, reading their state and logs."""
