"""Mutants of the kernel: one small change each, of the kinds that a slip of the hand makes.

A mutant is named after its function, what stood there and what stands there now, so that it keeps
its name when lines move. What a failure says in words is left as it is.
"""

from __future__ import annotations

import ast
import copy
import types
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# Not what decides a verdict: running a system, printing, the command line and the clock.
LEFT_OUT = {
    *("System", "Answer", "reply", "explained", "_pump", "OutOfTime"),
    *("lines_of", "main", "file_digest", "limit_time", "_Missing", "Failure"),
}
WORDS = {"Unreadable", "Undefined", "fail"}  # calls whose arguments are for people

FLIPPED: dict[type[ast.cmpop], list[type[ast.cmpop]]] = {
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.Lt: [ast.LtE, ast.GtE],
    ast.LtE: [ast.Lt, ast.Gt],
    ast.Gt: [ast.GtE, ast.LtE],
    ast.GtE: [ast.Gt, ast.Lt],
    ast.In: [ast.NotIn],
    ast.NotIn: [ast.In],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
}
TURNED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitXor: ast.BitOr,
}
NOTE = "_note_call"
RENAMED = {"any": "all", "all": "any", "min": "max", "max": "min", "sorted": "list"}


@dataclass(frozen=True)
class Mutant:
    """A change that can be made to the tree of the kernel, and taken back."""

    name: str
    function: str
    line: int
    make: Callable[[], None]
    undo: Callable[[], None]


def mutants(tree: ast.Module) -> list[Mutant]:
    """Every mutant of the functions that decide a verdict, in the order of the source."""
    found: list[Mutant] = []
    seen: Counter[str] = Counter()
    for function, node in _functions(tree.body, ""):
        for place, change in _changes(node):
            text = f"{function}: {_short(place.before)} -> {_short(place.after)}"
            seen[text] += 1
            name = text if seen[text] == 1 else f"{text} ({seen[text]})"
            found.append(Mutant(name, function, change, place.make, place.undo))
    return found


def _functions(body: list[ast.stmt], inside: str) -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in body:
        if isinstance(node, ast.ClassDef) and node.name not in LEFT_OUT:
            yield from _functions(node.body, node.name + ".")
        elif isinstance(node, ast.FunctionDef) and node.name not in LEFT_OUT:
            yield inside + node.name, node


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 90 else line[:60] + " ... " + line[-25:]


@dataclass(frozen=True)
class _Place:
    """An attribute of a node, or an item of one, and what may stand there instead."""

    holder: Any
    key: Any  # an attribute's name, or an index
    old: Any
    new: Any
    before: str
    after: str

    def make(self) -> None:
        self._put(self.new)

    def undo(self) -> None:
        self._put(self.old)

    def _put(self, value: Any) -> None:
        if isinstance(self.holder, list):
            self.holder[self.key] = value
        else:
            setattr(self.holder, self.key, value)


def _changes(function: ast.FunctionDef) -> Iterator[tuple[_Place, int]]:
    first = 1 if ast.get_docstring(function) else 0
    early: list[ast.stmt] = [ast.Return(ast.Constant(None)), *function.body]
    name = f"def {function.name}"
    yield _Place(function, "body", function.body, early, name, "return at once"), function.lineno
    for key, statement in enumerate(function.body[first:], first):
        for new, before, after in _instead(statement, function, "body"):
            yield _Place(function.body, key, statement, new, before, after), statement.lineno
        for node in _walk(statement):
            for place in _of_fields(node):
                yield place, getattr(node, "lineno", function.lineno)


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below one, without annotations and words for people."""
    yield node
    if isinstance(node, ast.JoinedStr):
        return
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        if name in ("args", "keywords") and isinstance(node, ast.Call) and _called(node) in WORDS:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _walk(child)


def _called(node: ast.Call) -> str:
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def _of_fields(node: ast.AST) -> Iterator[_Place]:
    """The changes of a node's children, each where the node holds it."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "ctx"):
            continue
        listed = isinstance(value, list)
        for key, child in enumerate(value) if listed else [(name, value)]:
            if isinstance(child, ast.AST):
                for new, before, after in _instead(child, node, name):
                    yield _Place(value if listed else node, key, child, new, before, after)


Change = tuple[ast.AST, str, str]


def _instead(node: ast.AST, parent: ast.AST, name: str) -> Iterator[Change]:
    """What may stand in place of a node."""
    if isinstance(parent, ast.Call) and _called(parent) in WORDS and name != "func":
        return
    for kind, of in _KINDS.items():
        if isinstance(node, kind):
            for new, after in of(node):
                yield ast.copy_location(new, node), ast.unparse(node), after
    if name in ("test", "ifs") and isinstance(node, ast.expr):
        for value in (True, False):
            if ast.unparse(node) != str(value):
                yield ast.Constant(value), f"if {ast.unparse(node)}", f"if {value}"


def _compare(node: ast.Compare) -> Iterator[tuple[ast.AST, str]]:
    for i, op in enumerate(node.ops):
        for other in FLIPPED[type(op)]:
            ops = [*node.ops[:i], other(), *node.ops[i + 1 :]]
            yield _said(ast.Compare(node.left, ops, node.comparators))


def _boolean(node: ast.BoolOp) -> Iterator[tuple[ast.AST, str]]:
    other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    yield _said(ast.BoolOp(other, node.values))
    for i in range(len(node.values)):
        rest = [*node.values[:i], *node.values[i + 1 :]]
        yield _said(rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest))


def _unary(node: ast.UnaryOp) -> Iterator[tuple[ast.AST, str]]:
    if isinstance(node.op, (ast.Not, ast.USub)):
        yield _said(node.operand)


def _constant(node: ast.Constant) -> Iterator[tuple[ast.AST, str]]:
    if isinstance(node.value, bool):
        yield _said(ast.Constant(not node.value))
    elif isinstance(node.value, (int, float)):
        yield _said(ast.Constant(node.value + 1))


def _binary(node: ast.BinOp) -> Iterator[tuple[ast.AST, str]]:
    yield _said(ast.BinOp(node.left, TURNED[type(node.op)](), node.right))


def _augmented(node: ast.AugAssign) -> Iterator[tuple[ast.AST, str]]:
    yield _said(ast.AugAssign(node.target, TURNED[type(node.op)](), node.value))
    yield ast.Pass(), "pass"


def _call(node: ast.Call) -> Iterator[tuple[ast.AST, str]]:
    if isinstance(node.func, ast.Name) and node.func.id in RENAMED:
        other = ast.Name(RENAMED[node.func.id], ast.Load())
        yield _said(ast.Call(other, node.args, [] if other.id == "list" else node.keywords))


def _statement(node: ast.stmt) -> Iterator[tuple[ast.AST, str]]:
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        yield ast.Pass(), "pass"


def _return(node: ast.Return) -> Iterator[tuple[ast.AST, str]]:
    if node.value is not None and not isinstance(node.value, ast.Constant):
        yield _said(ast.Return(ast.Constant(None)))


_KINDS: dict[type[ast.AST], Callable[[Any], Iterator[tuple[ast.AST, str]]]] = {
    ast.Compare: _compare,
    ast.BoolOp: _boolean,
    ast.UnaryOp: _unary,
    ast.Constant: _constant,
    ast.BinOp: _binary,
    ast.AugAssign: _augmented,
    ast.Call: _call,
    ast.Expr: _statement,
    ast.Raise: _statement,
    ast.Continue: _statement,
    ast.Break: _statement,
    ast.Return: _return,
}


def _said(node: ast.AST) -> tuple[ast.AST, str]:
    return node, ast.unparse(node)


def compiled(
    tree: ast.Module, name: str, namespace: Mapping[str, Any] | None = None
) -> types.ModuleType:
    """The module that a tree is the source of, where some names may be given beforehand."""
    module = types.ModuleType(name)
    module.__dict__.update(namespace or {})
    exec(compile(ast.fix_missing_locations(tree), f"<{name}>", "exec"), module.__dict__)
    return module


def noting_calls(tree: ast.Module, note: Callable[[str], None]) -> types.ModuleType:
    """The module that a tree is the source of; each function there is named when it is called."""
    tree = copy.deepcopy(tree)
    for name, node in _functions(tree.body, ""):
        node.body.insert(
            0, ast.Expr(ast.Call(ast.Name(NOTE, ast.Load()), [ast.Constant(name)], []))
        )
    return compiled(tree, "kernel_noting_calls", {NOTE: note})
