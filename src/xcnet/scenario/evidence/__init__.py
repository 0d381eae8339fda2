"""What a run leaves beside its report: captures, routers' states, what coordinators said, events, and what all of it ran on."""
