"""Names and strings of generated Python."""

import ast
import itertools
import keyword
import random
import unicodedata

import pytest

from microagent.names import RESERVED_CLASSES
from microagent_gen import naming
from microagent_gen.layout import docstring

NASTY = "a'\"\\\n\r\t\0\x1b\x7f\x85\u2028\u202e\ufeff\ud800é日💥{}%#"


def nasty_texts():
    generator = random.Random(7)
    yield from ("".join(text) for size in range(3) for text in itertools.product(NASTY, repeat=size))
    yield from ("".join(generator.choices(NASTY, k=generator.randrange(3, 20))) for _ in range(2000))


def test_literals_mean_their_text():
    """A literal is one printable line of Python whose value is the text."""
    for text in nasty_texts():
        written = naming.literal(text)
        assert ast.literal_eval(written) == text
        assert written.isprintable()


@pytest.mark.parametrize(
    ("text", "written"),
    [("plain", '"plain"'), ('say "hi"', "'say \"hi\"'"), ("it's", '"it\'s"'), ("'\"", '"\'\\""'), ("\\", '"\\\\"')],
)
def test_literals_take_the_quotes_that_need_fewer_escapes(text, written):
    """Double quotes are usual; single ones where the text has more double quotes inside."""
    assert naming.literal(text) == written


def test_docstrings_hold_nothing_but_text():
    """Any text as a docstring is one string expression; a class that has it can be made."""
    for text in nasty_texts():
        if text.strip():
            source = f"class Documented:\n    {docstring(text, 1)}\n"
            [statement] = ast.parse(source).body
            assert isinstance(statement, ast.ClassDef)
            assert len(statement.body) == 1
            made: dict[str, type] = {}
            exec(source, made)
            assert made["Documented"].__doc__ is not None


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("One line.", '"""One line."""'),
        ("First.\n\nSecond.", '"""First.\n\n    Second.\n    """'),
        ("First.\r\n  Second.   ", '"""First.\n    Second.\n    """'),
        ('Ends with "quotes"', '"""Ends with \\"quotes\\""""'),
        ('Has "quotes" inside.', '"""Has "quotes" inside."""'),
    ],
)
def test_docstrings_are_laid_out_as_usual(text, written):
    """Docstrings of several lines close on a line of their own; quotes are escaped only where they must be."""
    assert docstring(text, 1) == written


def test_class_names_of_two_declarations_differ():
    """No two declared names share a class name."""
    alphabet = "ab1_"
    names = ["a" + "".join(rest) for size in range(6) for rest in itertools.product(alphabet, repeat=size)]
    classes = {naming.class_name(name) for name in names}
    assert len(classes) == len(names)
    assert all(name.isidentifier() and name[0].isupper() for name in classes)


@pytest.mark.parametrize(
    ("declared", "name"),
    [("user_created", "UserCreated"), ("user", "User"), ("user_1", "User_1"), ("user1", "User1"), ("a_", "A_")],
)
def test_class_names_are_camel_case(declared, name):
    """The words of a declared name begin with capitals."""
    assert naming.class_name(declared) == name


@pytest.mark.parametrize(
    ("key", "part"),
    [
        ("meta", "Meta"),
        ("user-id", "UserId"),
        ("someCamelCase", "SomeCamelCase"),
        ("2nd", "2nd"),
        ("größe", "Größe"),
        ("ﬁle", "File"),
        ("", "Xe3b0c442"),
        ("💥", "X0fadd2ce"),
    ],
)
def test_any_key_gives_a_part_of_a_class_name(key, part):
    """A key becomes the part that a person would choose, or a digest when it has no letters."""
    assert naming.key_part(key) == part


def test_parts_of_class_names_are_always_identifiers():
    """Whatever the key is, what is made of it can end a class name."""
    for text in nasty_texts():
        name = f"Order{naming.key_part(text)}"
        assert name.isidentifier()
        assert unicodedata.is_normalized("NFKC", name)


@pytest.mark.parametrize("key", ["class", "None", "user-id", "", "1a", "__mangled", "ﬁle", "a b", *keyword.kwlist])
def test_keys_that_python_cannot_name_are_not_plain(key):
    """Keywords, what is mangled, what is normalised and what is no identifier cannot be a parameter."""
    assert not naming.is_plain(key)


@pytest.mark.parametrize("key", ["user_id", "_private", "größe", "match", "type", "self"])
def test_other_keys_are_plain(key):
    """Every other identifier can be written as it is, soft keywords too."""
    assert naming.is_plain(key)


def test_reserved_classes_cover_the_builtins_of_this_python():
    """No declaration takes the class name of a builtin that every supported Python has."""
    import builtins

    capitalised = {name for name in vars(builtins) if name[0].isupper()}
    newer = {"PythonFinalizationError", "_IncompleteInputError"}
    assert capitalised - newer <= RESERVED_CLASSES
