"""Bounds as formulas: numbers, + - * / and the lab's timers by name, so that no scenario holds a figure nobody can explain."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping

Functions = Mapping[str, Callable[..., float]]
"""Name -> a figure of the lab, e.g. ``detection`` of a channel, seconds."""

_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


class FormulaError(ValueError):
    """It cannot be reckoned. The words say why; ``remedy`` says what would be right."""

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(cause)
        self.remedy = remedy


def evaluate(formula: str | float, functions: Functions) -> float:
    """What a formula comes to.

    Names in brackets are words: ``detection(ch2)``; ``max(a, b)`` and ``min(a, b)`` take formulas.

    :raises FormulaError: it is no formula, or names something that is not there.
    """
    if not isinstance(formula, str):
        return float(formula)
    try:
        tree = ast.parse(formula, mode="eval")
    except (SyntaxError, ValueError):
        raise FormulaError(f"'{formula}' is no formula", "write e.g. detection(ch2) + 0.2") from None
    return _value(tree.body, functions)


def _value(node: ast.expr, functions: Functions) -> float:
    match node:
        case ast.Constant(value=bool()):
            pass
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, functions)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _apply(op, _value(left, functions), _value(right, functions))
        case ast.Call(func=ast.Name(id="max" | "min" as name), args=args, keywords=[]) if args:
            values = [_value(each, functions) for each in args]
            return max(values) if name == "max" else min(values)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
            return _figure(name, args, functions)
        case ast.Name(id=name):
            return _figure(name, [], functions)
    raise FormulaError(
        f"'{ast.unparse(node)}' cannot stand in a formula", "write numbers, + - * / and " + _known(functions)
    )


def _apply(op: ast.operator, left: float, right: float) -> float:
    try:
        return _OPERATORS[type(op)](left, right)
    except ZeroDivisionError:
        raise FormulaError("a formula divides by zero", "write another divisor") from None


def _figure(name: str, arguments: list[ast.expr], functions: Functions) -> float:
    if name not in functions:
        raise FormulaError(f"there is no figure '{name}'", "there are: " + _known(functions))
    # A hyphenated name reads as a difference; it is one word here.
    words = [ast.unparse(each).replace(" ", "") for each in arguments]
    try:
        return float(functions[name](*words))
    except TypeError:
        raise FormulaError(f"'{name}' is not asked for so", "there are: " + _known(functions)) from None
    except KeyError as error:
        raise FormulaError(f"there is no {error.args[0]}", f"'{name}' takes a name of this lab") from None


def _known(functions: Functions) -> str:
    return ", ".join([*functions, "max(a, b)", "min(a, b)"])


__all__ = ["FormulaError", "Functions", "evaluate"]
