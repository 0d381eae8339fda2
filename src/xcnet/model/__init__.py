"""What a lab is made of, as data: topologies, provider profiles, the plan made of them, the state one router should have."""
