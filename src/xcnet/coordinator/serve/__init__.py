"""What each operation of the API does: one module for each kind of resource, one function for each operation."""
