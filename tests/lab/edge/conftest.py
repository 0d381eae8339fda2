from conftest_edge import observer, pair

__all__ = ["observer", "pair"]
