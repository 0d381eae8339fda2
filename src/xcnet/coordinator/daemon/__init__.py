"""A coordinator as a process in its own node: the core behind HTTPS, its calls, its routers and its operators' socket."""
