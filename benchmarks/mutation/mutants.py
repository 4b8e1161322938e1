"""Small changes to a program's text, one at a time, each with a name that outlives other edits.

A mutant is known by its place (module and function), by what stood there and by what stands there
now. Messages, annotations and docstrings are left alone.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

Step = tuple[str, int | None]
Way = tuple[Step, ...]  # from a node down to one within it

STATES = {"ready": "done", "leased": "ready", "done": "dead", "dead": "done"}
BOUNDARY: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
}  # fmt: skip
NEGATED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt,
}  # fmt: skip
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
}  # fmt: skip
OTHER_CALL = {"min": "max", "max": "min"}
MAKES_RECORDS = ("replace", "_next", "Record")
SIMPLE = ast.Return | ast.Assign | ast.AnnAssign | ast.AugAssign
NO_PROGRAM = ("annotation", "returns", "decorator_list", "bases", "ctx", "ops", "op")
LONGEST = 70
Alternative = tuple[str, ast.AST | None]  # its kind, and what stands there instead (None: nothing)


class Mutant(NamedTuple):
    """One change: ``name`` is stable, ``line`` is where it is now, ``way`` leads to its node."""

    name: str
    file: Path
    line: int
    kind: str
    way: Way
    alternative: ast.AST | None

    def source(self) -> str:
        """The whole module with this change."""
        tree = ast.parse(self.file.read_text(encoding="utf-8"))
        return ast.unparse(ast.fix_missing_locations(_changed(tree, self.way, self.alternative)))

    @property
    def within_function(self) -> bool:
        """Whether only what a function does has changed, and nothing that a module defines."""
        node: Any = ast.parse(self.file.read_text(encoding="utf-8"))
        for field, index in self.way:
            if isinstance(node, ast.FunctionDef) and field == "body":
                return True
            value = getattr(node, field)
            node = value if index is None else value[index]
        return False


def mutants_of(file: Path) -> list[Mutant]:
    """All mutants of a module, in the order of its text."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    seen: Counter[str] = Counter()
    found = []
    for spot in _spots(tree, (), (), f"{file.stem}"):
        for kind, alternative in _alternatives(spot.node):
            name = _name(spot, alternative)
            seen[name] += 1
            unique = name if seen[name] == 1 else f"{name} ({seen[name]})"
            found.append(Mutant(unique, file, spot.line, kind, spot.way, alternative))
    return found


# -- where ------------------------------------------------------------------------------------


class _Spot(NamedTuple):
    """A node that may be changed, and the node around it by which a reader knows it."""

    node: ast.AST
    way: Way
    place: str
    line: int
    context: ast.AST
    within: Way


def _spots(node: ast.AST, way: Way, around: tuple[ast.AST, ...], place: str) -> Iterator[_Spot]:
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        place = f"{place}.{node.name}"
    if around:
        context, within = _context(node, way, around)
        yield _Spot(node, way, place, _line(node, around), context, within)
    for step, child in _children(node):
        inside = place
        if isinstance(node, ast.arguments) and step[0] in ("defaults", "kw_defaults"):
            inside = f"{place}({_argument(node, step)})"
        yield from _spots(child, (*way, step), (*around, node), inside)


def _children(node: ast.AST) -> Iterator[tuple[Step, ast.AST]]:
    """The parts of a node that are program: no messages, annotations, imports, docstrings."""
    if isinstance(node, ast.JoinedStr | ast.Import | ast.ImportFrom):
        return
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Literal":
        return
    for field, value in ast.iter_fields(node):
        if field in NO_PROGRAM or (field == "keywords" and isinstance(node, ast.ClassDef)):
            continue
        if isinstance(value, ast.AST):
            yield (field, None), value
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, ast.AST) and not _is_docstring(item):
                    yield (field, index), item


def _argument(arguments: ast.arguments, step: Step) -> str:
    """The name of the argument that has this default."""
    field, index = step
    if field == "kw_defaults":
        return arguments.kwonlyargs[index or 0].arg
    positional = [*arguments.posonlyargs, *arguments.args]
    return positional[len(positional) - len(arguments.defaults) + (index or 0)].arg


def _is_docstring(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _context(node: ast.AST, way: Way, around: tuple[ast.AST, ...]) -> tuple[ast.AST, Way]:
    """The largest expression or simple statement around the node that fits on a line."""
    context, within = node, 0
    for depth, outer in enumerate(reversed(around), 1):
        simple = isinstance(outer, ast.expr | ast.keyword | SIMPLE)
        if not simple or len(ast.unparse(outer)) > LONGEST:
            break
        context, within = outer, depth
    return context, way[len(way) - within :]


def _line(node: ast.AST, around: tuple[ast.AST, ...]) -> int:
    for known in (node, *reversed(around)):
        if hasattr(known, "lineno"):
            return int(known.lineno)
    return 1


def _name(spot: _Spot, alternative: ast.AST | None) -> str:
    before = _short(spot.context)
    if alternative is None:
        return f"{spot.place}: without {before}"
    return f"{spot.place}: {before} -> {_short(_changed(spot.context, spot.within, alternative))}"


def _short(node: ast.AST) -> str:
    text = ast.unparse(ast.fix_missing_locations(node)).partition("\n")[0]
    return text if len(text) <= 2 * LONGEST else f"{text[: 2 * LONGEST]}..."


# -- what -------------------------------------------------------------------------------------


def _alternatives(node: ast.AST) -> Iterator[Alternative]:
    """What may stand in the node's place."""
    match node:
        case ast.Compare(left, [operator, *more], operands):
            for table, kind in ((BOUNDARY, "boundary"), (NEGATED, "comparison")):
                if other := table.get(type(operator)):
                    yield kind, ast.Compare(left, [other(), *more], operands)
        case ast.BoolOp(operator, values):
            other_logic = ast.Or() if isinstance(operator, ast.And) else ast.And()
            yield "logic", ast.BoolOp(other_logic, values)
        case ast.UnaryOp(ast.Not() | ast.USub(), operand):
            yield "logic" if isinstance(node.op, ast.Not) else "sign", operand
        case ast.IfExp(test, body, orelse):
            yield "logic", ast.IfExp(test, orelse, body)
        case ast.BinOp(left, operation, right) if type(operation) in ARITHMETIC:
            yield "arithmetic", ast.BinOp(left, ARITHMETIC[type(operation)](), right)
        case ast.Constant(value):
            for other_value in _other_values(value):
                yield "constant", ast.Constant(other_value)
        case ast.Call():
            yield from _other_calls(node)
        case ast.If() | ast.While():
            yield from _other_branches(node)
        case ast.Expr() | ast.AugAssign() | ast.Delete() | ast.Continue() | ast.Break():
            yield "dropped statement", None
        case ast.Assign([ast.Attribute() | ast.Subscript()]):
            yield "dropped statement", None


def _other_values(value: object) -> Iterator[bool | int | float | str]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value + 1
        if value > 0:
            yield value - 1
    elif isinstance(value, float):
        yield 2 * value if value else 1.0
    elif isinstance(value, str) and value in STATES:
        yield STATES[value]


def _other_calls(call: ast.Call) -> Iterator[Alternative]:
    args, keywords, name = call.args, call.keywords, ast.unparse(call.func)
    if name in OTHER_CALL:
        yield "swapped function", ast.Call(ast.Name(OTHER_CALL[name]), args, keywords)
    elif len(args) > 1 and not any(isinstance(arg, ast.Starred) for arg in args[:2]):
        yield "swapped arguments", ast.Call(call.func, [args[1], args[0], *args[2:]], keywords)
    if name in MAKES_RECORDS:
        for index, keyword in enumerate(keywords):
            if keyword.arg != "version":
                rest = [*keywords[:index], *keywords[index + 1 :]]
                yield "dropped argument", ast.Call(call.func, args, rest)


def _other_branches(node: ast.If | ast.While) -> Iterator[Alternative]:
    if not isinstance(node.test, ast.Compare | ast.BoolOp | ast.Constant | ast.UnaryOp):
        test = ast.UnaryOp(ast.Not(), node.test)
        yield "logic", type(node)(test, node.body, node.orelse)
    if isinstance(node, ast.If) and not node.orelse:
        yield "dropped statement", None


# -- change ---------------------------------------------------------------------------------


def _changed(root: ast.AST, way: Way, alternative: ast.AST | None) -> ast.AST:
    """A copy of ``root`` in which the node at the end of the way is another."""
    new = deepcopy(alternative) if alternative is not None else ast.Pass()
    if not way:
        return new
    copy = deepcopy(root)
    parent = copy
    for field, index in way[:-1]:
        value = getattr(parent, field)
        parent = value if index is None else value[index]
    field, index = way[-1]
    if index is None:
        setattr(parent, field, new)
    else:
        getattr(parent, field)[index] = new
    return copy
