"""The allow-list for generated code: a module may hold declarations, and nothing that has side effects."""

import ast
from collections.abc import Iterable, Sequence
from typing import NoReturn

_IMPORTS = {("microagent", "_m"), ("typing", "_t")}
_ORIGINS = {(0, "microagent"), (0, "collections.abc")}
_MODULES = {"_m", "_t"}
_MAKERS = {"_t.TypedDict", "_m.TypedSignal", "_m.TypedQueue", "_m.Queue", "Signals", "Queues"}
_LITERAL = "_t.Literal"
_GUARD = "_t.TYPE_CHECKING"


class UnexpectedCode(SyntaxError):
    """Generated code holds something that is not on the allow-list."""


def check_allowed(text: str, name: str) -> None:
    """
    Check that a generated module only declares classes and objects.

    Text of a declaration must never run as code. The templates turn it into strings and names only; this check is the
    second line of defence, and does not rely on them.

    :param name: of the file, for messages
    :raises SyntaxError: if the text is not valid Python, or holds anything else
    """
    try:
        _Checker(name).module(ast.parse(text, name))
    except (RecursionError, MemoryError):  # from the parser, for deep nesting
        raise UnexpectedCode("is nested too deeply", (name, 1, 1, "")) from None


class _Checker:
    def __init__(self, name: str) -> None:
        self._name = name

    def _refuse(self, node: ast.AST, what: str = "") -> NoReturn:
        place = (self._name, getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1, "")
        raise UnexpectedCode(what or f"holds an unexpected {type(node).__name__}", place)

    def module(self, module: ast.Module) -> None:
        self._body(module.body)

    # -- statements

    def _body(self, statements: Iterable[ast.stmt]) -> None:
        for statement in statements:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.AnnAssign(target=ast.Name(), annotation=annotation, value=value):
                self._annotation(annotation)
                if value is not None:
                    self._value(value)
            case ast.Expr(value=ast.Constant()):
                pass  # a docstring, or `...`
            case ast.ClassDef(bases=bases, keywords=[], decorator_list=[], body=body):
                self._annotations(bases)
                self._body(body)
            case ast.FunctionDef(decorator_list=[]) | ast.AsyncFunctionDef(decorator_list=[]):
                self._function(node)
            case ast.Assign(targets=[ast.Name()], value=value):
                self._value(value)
            case ast.Import() | ast.ImportFrom():
                self._import(node)
            case ast.If(test=test, body=body, orelse=[]) if self._dotted(test) == _GUARD:
                self._body(body)
            case _:
                self._refuse(node)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.Import):
            expected = all((alias.name, alias.asname) in _IMPORTS for alias in node.names)
        else:
            expected = (node.level, node.module) in _ORIGINS or (node.level == 1 and bool(node.module))
        if not expected:
            self._refuse(node, f"imports what it does not need: {ast.unparse(node)}")

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        given = node.args
        parameters = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, [given.vararg, given.kwarg])]
        if len({parameter.arg for parameter in parameters}) < len(parameters):
            self._refuse(node, "has a parameter twice")
        self._annotations([parameter.annotation for parameter in parameters if parameter.annotation])
        for default in filter(None, [*given.defaults, *given.kw_defaults]):
            self._constant(default)
        if node.returns is not None:
            self._annotation(node.returns)
        for statement in node.body:
            if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
                self._refuse(statement)

    # -- values

    def _value(self, node: ast.expr) -> None:
        """An assigned value: a declaration, a TypedDict, a type, or a list of names."""
        match node:
            case ast.Call(func=func, args=arguments, keywords=keywords) if self._dotted(func) in _MAKERS:
                for argument in [*arguments, *(keyword.value for keyword in keywords)]:
                    self._argument(argument)
            case ast.List(elts=items):
                for item in items:
                    self._constant(item)
            case _:
                self._annotation(node)

    def _argument(self, node: ast.expr) -> None:
        if not isinstance(node, ast.Dict):
            return self._constant(node)
        for key in node.keys:
            self._constant(key or node)
        return self._annotations(node.values)

    def _constant(self, node: ast.expr) -> None:
        value = node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else node
        if not isinstance(value, ast.Constant):
            self._refuse(node)

    # -- types

    def _annotations(self, nodes: Sequence[ast.expr]) -> None:
        for node in nodes:
            self._annotation(node)

    def _annotation(self, node: ast.expr) -> None:
        match node:
            case ast.Name():
                pass
            case ast.Attribute(value=ast.Name(id=module)) if module in _MODULES:
                pass
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                self._annotation(left)
                self._annotation(right)
            case ast.Subscript(value=subscripted, slice=inner):
                self._annotation(subscripted)
                self._subscript(subscripted, inner)
            case ast.Tuple(elts=items) | ast.List(elts=items):
                self._annotations(items)
            case ast.Constant(value=str(quoted)):
                self._quoted(node, quoted)
            case ast.Constant():
                pass
            case _:
                self._refuse(node)

    def _subscript(self, subscripted: ast.expr, inner: ast.expr) -> None:
        if self._dotted(subscripted) != _LITERAL:
            return self._annotation(inner)
        for item in inner.elts if isinstance(inner, ast.Tuple) else [inner]:
            self._constant(item)
        return None

    def _quoted(self, node: ast.expr, text: str) -> None:
        """An annotation in quotes: type checkers read it, and ``typing.get_type_hints`` evaluates it."""
        if text.isidentifier():
            return
        try:
            inner = ast.parse(text, self._name, "eval").body
        except SyntaxError:
            self._refuse(node, "quotes something that is not an annotation")
        self._annotation(inner)

    @staticmethod
    def _dotted(node: ast.expr) -> str:
        match node:
            case ast.Name(id=name):
                return name
            case ast.Attribute(value=ast.Name(id=module), attr=name):
                return f"{module}.{name}"
            case _:
                return ""
