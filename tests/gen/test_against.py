"""microagent-gen --against: what it compares with, what it says, how it ends."""

import json
import os
import subprocess
import sys

import pytest
from generating import committed, contents, git, imported, run, run_process, written

from microagent.errors import ConfigurationError
from microagent_gen.against import Comparison, compare
from microagent_gen.reports import FORMATS
from microagent_gen.sources import Collection

OLD = {
    "signals": [{"name": "user_created", "providing_args": {"user_id": "integer"}}],
    "queues": [{"name": "mailer", "payload": {"properties": {"text": {"type": "string"}}, "required": ["text"]}}],
}
NEW = """{
  "signals": [
    {
      "name": "user_created",
      "providing_args": {
        "user_id": "integer",
        "email": "string"
      }
    }
  ],
  "queues": [
    {"name": "mailer", "payload": {"properties": {"text": {"type": "string"}}}}
  ]
}
"""
REQUIRED = 'signal "user_created": new required argument "email"'
OPTIONAL = 'queue "mailer": property "text" is optional now'


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A repository whose last commit holds the old declarations, and whose files are the new ones."""
    (tmp_path / "repo").mkdir()
    monkeypatch.chdir(tmp_path / "repo")
    for variable in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(variable)
    folder = tmp_path / "repo"
    written(folder / "schemas", "app.json", OLD)
    committed(folder)
    (folder / "schemas" / "app.json").write_text(NEW)
    return folder


def rules(result):
    return [finding["rule"] for finding in json.loads(result.stdout)["findings"]]


# -- what it says


def test_each_finding_is_a_line_with_its_place(project):
    """File, line and column of what has changed, the rule, whom it breaks, and how to do it safely; the status is 1."""
    result = run("schemas", "--against", "git:main")
    assert (result.exit_code, result.stderr) == (1, "")
    first, second, summary = result.stdout.splitlines()
    assert first == (
        f"schemas/app.json:7:9: ARG_NO_ADD_REQUIRED: {REQUIRED} (breaks producers, source; "
        "safe: add it as optional, let every producer send it, then require it)"
    )
    assert second.startswith(f"schemas/app.json:12:51: ARG_NO_MAKE_OPTIONAL: {OPTIONAL} (breaks consumers, source; ")
    assert summary == "against git:main: 2 findings"


def test_nothing_breaks(project):
    """One line says so, and the status is 0; with --quiet there is none."""
    written(project / "schemas", "app.json", OLD)
    assert run("schemas", "--against", "git:main").stdout == "against git:main: nothing breaks\n"
    result = run("schemas", "--against", "git:main", "--quiet")
    assert (result.exit_code, result.output) == (0, "")


def test_findings_as_json(project):
    """All that is known, for programs; an empty list when nothing breaks."""
    found = json.loads(run("schemas", "--against", "git:main", "--format", "json").stdout)
    assert (found["against"], found["mode"], found["allowed"]) == ("git:main", "full", [])
    assert found["findings"][0] == {
        "rule": "ARG_NO_ADD_REQUIRED",
        "source": "schemas/app.json",
        "line": 7,
        "column": 9,
        "pointer": "/signals/0/providing_args/email",
        "kind": "signal",
        "name": "user_created",
        "message": REQUIRED,
        "breaks": ["producers", "source"],
        "safe": "add it as optional, let every producer send it, then require it",
    }
    written(project / "schemas", "app.json", OLD)
    result = run("schemas", "--against", "git:main", "--format", "json", "--quiet")
    assert (result.exit_code, json.loads(result.stdout)["findings"]) == (0, [])


def test_findings_as_annotations(project):
    """Workflow commands of GitHub, in which nothing of a declaration can end the line or begin a property."""
    first = run("schemas", "--against", "git:main", "--format", "github").stdout.splitlines()[0]
    assert first.startswith("::error file=schemas/app.json,line=7,col=9,title=ARG_NO_ADD_REQUIRED::signal")
    odd = project / "100%,a:b"
    for document, name in ((OLD, "old.json"), ({"signals": []}, "new.json")):
        written(odd, name, document)
    [annotation, _] = run(odd / "new.json", "--against", odd / "old.json", "--format", "github").stdout.splitlines()
    assert ",title=QUEUE_NO_REMOVE" in annotation or ",title=SIGNAL_NO_REMOVE" in annotation
    enum = {"queues": [{"name": "a", "payload": {"properties": {"x": {"enum": ["50%\n::error ::"]}}}}]}
    written(odd, "old.json", {"queues": [{"name": "a", "payload": {"properties": {"x": {"enum": ["a"]}}}}]})
    written(odd, "new.json", enum)
    lines = run(odd / "new.json", "--against", odd / "old.json", "--format", "github").stdout.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("::error file=") and "100%25%2Ca%3Ab" in line for line in lines)
    assert "50%25" in lines[1] + lines[0]


def test_every_format_is_offered():
    """What the command takes is what there is."""
    assert f"[{'|'.join(FORMATS)}]" in run("--help").output


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("full", {"ARG_NO_ADD_REQUIRED": ["producers", "source"], "ARG_NO_MAKE_OPTIONAL": ["consumers", "source"]}),
        ("backward", {"ARG_NO_ADD_REQUIRED": ["producers"]}),
        ("forward", {"ARG_NO_MAKE_OPTIONAL": ["consumers"]}),
        ("source", {"ARG_NO_ADD_REQUIRED": ["source"], "ARG_NO_MAKE_OPTIONAL": ["source"]}),
    ],
)
def test_modes(mode, expected, project):
    """Each is about some of those who may be broken; full is about everybody."""
    result = run("schemas", "--against", "git:main", "--format", "json", "--mode", mode)
    assert {each["rule"]: each["breaks"] for each in json.loads(result.stdout)["findings"]} == expected


def test_places_behind_references(project):
    """What is written among the definitions, or in a file beside, is told where it is, or where it is referred to."""
    odd = {"queues": [{"name": "a", "payload": {"allOf": [{"$ref": "#/$defs/A"}]}}]}
    before = {"$defs": {"A": {"type": "object", "properties": {"l": {"type": "array", "items": {"type": "integer"}}}}}}
    after = {"$defs": {"A": {"type": "object", "properties": {"l": {"type": "array", "items": {"type": "number"}}}}}}
    old, new = written(project, "old.json", odd | before), written(project, "new.json", odd | after)
    [found] = json.loads(run(new, "--against", old, "--format", "json").stdout)["findings"]
    assert (found["rule"], found["pointer"]) == ("ARG_NO_WIDEN", "/$defs/A/properties/l/items")
    assert found["message"] == 'queue "a": an item of "l" was an integer and is a number now'


def test_classes_that_are_called_otherwise(project):
    """Where nothing else breaks source, a class that code may import and that is gone does."""
    place = {"type": "object", "properties": {"page": {"type": "string"}}}

    def declared(schema):
        payload = {"type": "object", "properties": {"place": schema}}
        return {"queues": [{"name": "q", "payload": payload}, {"name": "same"}]}

    written(project, "old.json", declared({**place, "title": "Place"}))
    written(project, "new.json", declared({**place, "title": "Spot"}))
    [found] = json.loads(run("new.json", "--against", "old.json", "--format", "json").stdout)["findings"]
    assert (found["rule"], found["breaks"]) == ("CLASS_NO_RENAME", ["source"])
    assert found["message"] == 'queue "q": the class QMessage_Place is called QMessage_Spot now'
    assert run("new.json", "--against", "old.json", "--mode", "backward").exit_code == 0
    for name, known in (("old", "QMessage_Place"), ("new", "QMessage_Spot")):
        run(f"{name}.json", "-o", f"{name}_classes")
        with imported(project / f"{name}_classes") as package:
            assert [each for each in ("QMessage_Place", "QMessage_Spot") if hasattr(package, each)] == [known]


# -- what it compares with


@pytest.mark.parametrize("old", ["git:main", "git:HEAD", "git:HEAD:schemas", "git:main:schemas/app.json"])
def test_revisions(old, project):
    """A revision alone means the same paths; with a path, this one."""
    result = run("schemas", "--against", old, "--format", "json")
    assert rules(result) == ["ARG_NO_ADD_REQUIRED", "ARG_NO_MAKE_OPTIONAL"]


def test_a_revision_seen_from_a_folder_below(project, monkeypatch):
    """Paths are relative to where one is, as everywhere on a command line."""
    monkeypatch.chdir(project / "schemas")
    for old in ("git:main", "git:main:.", "git:main:app.json", "git:main:../schemas"):
        assert rules(run(".", "--against", old, "--format", "json")) == ["ARG_NO_ADD_REQUIRED", "ARG_NO_MAKE_OPTIONAL"]


def test_a_source_that_a_revision_does_not_have_is_new(project):
    """It is told; a path that is the only one was called otherwise, and it is told how to say that."""
    written(project / "schemas", "more.json", {"queues": [{"name": "more"}]})
    result = run("schemas/app.json", "schemas/more.json", "--against", "git:main")
    assert "schemas/more.json: new, git:main does not have it\n" in result.stderr
    assert "ARG_NO_ADD_REQUIRED" in result.stdout
    result = run("schemas/more.json", "--against", "git:main")
    assert result.exit_code == 2
    assert (
        "has no file or folder 'schemas/more.json'; if it was called otherwise then, name it with git:main:PATH"
        in result.stderr
    )


def test_a_shallow_clone_says_that_it_is_one(project, tmp_path):
    """So that nobody looks for a mistake in the name of a revision."""
    committed(project)
    git(project, "clone", "--quiet", "--depth=1", f"file://{project}", str(tmp_path / "shallow"))
    done = run_process("schemas", "--against", "git:HEAD~1", cwd=tmp_path / "shallow")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        2,
        "Error: git has no revision 'HEAD~1' here: this clone is shallow, 'git fetch --unshallow' completes it",
    )


def test_a_revision_with_files_that_are_referred_to(project):
    """Files beside and below come along, and names that git would quote are read as they are."""
    folder = project / 'schémas "x"'
    written(folder, "a.json", {"queues": [{"name": "a", "payload": {"$ref": "parts/p.json#/$defs/P"}}]})
    written(folder / "parts", "p.json", {"$defs": {"P": {"type": "object", "properties": {"x": {"type": "integer"}}}}})
    committed(project)
    assert run(folder, "--against", "git:main").exit_code == 0
    written(folder / "parts", "p.json", {"$defs": {"P": {"type": "object", "properties": {"x": {"type": "number"}}}}})
    assert rules(run(folder, "--against", "git:main", "--format", "json")) == ["ARG_NO_WIDEN"]


def test_files_and_folders(project):
    """OLD may be a file or a folder; what is gone with its file is told with the name of the file."""
    old = written(project / "before", "app.json", OLD)
    written(project / "before", "more.json", {"signals": [{"name": "gone", "providing_args": []}]})
    for given in (old, f"file://{old}"):
        assert rules(run("schemas", "--against", given, "--format", "json")) == [
            "ARG_NO_ADD_REQUIRED",
            "ARG_NO_MAKE_OPTIONAL",
        ]
    lines = run("schemas", "--against", project / "before").stdout.splitlines()
    assert lines[0].startswith('more.json: SIGNAL_NO_REMOVE: signal "gone" is removed (breaks ')


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--against", "git:nowhere"], "git has no revision 'nowhere'"),
        (["--against", "git:main:nowhere"], "revision 'main' has no file or folder 'nowhere'"),
        (["--against", "git:main:../.."], "outside the git repository"),
        (["--against", "git:"], "'git:' names no revision"),
        (["--against", "git:--output=x"], "names no revision"),
        (["--against", "nowhere.json"], "--against nowhere.json: no such file or folder"),
        (["--against", "git:main", "--allow", "ARG_NO_REMOV"], "there is no rule 'ARG_NO_REMOV', did you mean"),
        (["--against", "git:main", "--mode", "both"], "'both' is not one of 'full'"),
        (["--against", "git:main", "--watch"], "--against and --watch exclude each other"),
        (["--mode", "full"], "--mode, --allow, --formats and --format need --against OLD"),
        (["--formats"], "--mode, --allow, --formats and --format need --against OLD"),
    ],
)
def test_wrong_command_lines(arguments, said, project):
    """Each is a sentence, and the status is 2."""
    done = run_process("schemas", *arguments, cwd=project)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_no_repository(tmp_path):
    """Outside of a repository, and without git, it is a sentence too."""
    source = written(tmp_path, "a.json", OLD)
    done = run_process(source, "--against", "git:main", cwd=tmp_path)
    assert (done.returncode, "not a git repository" in done.stderr) == (2, True)
    done = run_process(source, "--against", "git:main", cwd=tmp_path, env={**os.environ, "PATH": ""})
    assert (done.returncode, "git is not installed" in done.stderr) == (2, True)


def test_sources_that_are_urls_need_a_path(project):
    """Git knows nothing of what is on the web, and finds a file that is named as an URL."""
    assert rules(run(f"file://{project}/schemas/app.json", "--against", "git:main", "--format", "json"))
    with pytest.raises(ConfigurationError, match="needs a path, because all sources are URLs: git:main:PATH"):
        compare(Comparison("git:main"), ["https://example.org/a.json"], Collection())


def test_an_earlier_contract_with_mistakes(project):
    """They are told with the revision that they are in, and the status is 1."""
    (project / "schemas" / "app.json").write_text('{"signals": [{"name": "Bad", "providing_args": []}]}')
    committed(project)
    written(project / "schemas", "app.json", OLD)
    result = run("schemas", "--against", "git:main")
    assert result.exit_code == 1
    head, problem = result.stderr.splitlines()
    assert head == "cannot compare with git:main:"
    assert problem.startswith("git:main:schemas/app.json:1:")


def test_a_new_contract_with_mistakes(project):
    """Its own mistakes come first; nothing is compared."""
    (project / "schemas" / "app.json").write_text("{]")
    result = run("schemas", "--against", "git:main")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("schemas/app.json:1:2: ")


# -- what is allowed


def test_allowed_rules(project):
    """What is allowed is no finding; the summary counts it."""
    result = run(
        "schemas", "--against", "git:main", "--allow", "ARG_NO_ADD_REQUIRED", "--allow", "ARG_NO_MAKE_OPTIONAL"
    )
    assert (result.exit_code, result.stdout) == (0, "against git:main: nothing breaks, 2 allowed\n")


def test_a_declaration_allows_with_a_reason(project):
    """The reason is there for programs; other declarations are held to the rule."""
    entry = {"name": "user_created", "providing_args": ["user_id"]}
    written(project, "old.json", {"signals": [entry, {**entry, "name": "other"}]})
    allow = {"compat": {"allow": {"ARG_NO_REMOVE": "nobody has ever read it"}}}
    less = {"name": "user_created", "providing_args": []}
    written(project, "new.json", {"signals": [{**less, **allow}, {**less, "name": "other"}]})
    found = json.loads(run("new.json", "--against", "old.json", "--format", "json").stdout)
    assert [each["name"] for each in found["findings"]] == ["other"]
    assert [(each["name"], each["reason"]) for each in found["allowed"]] == [
        ("user_created", "nobody has ever read it")
    ]


def test_a_file_allows_what_is_not_declared_any_more(project):
    """And reserves names of declarations, for good."""
    written(project, "old.json", OLD)
    rest = {"queues": OLD["queues"], "compat": {"allow": {"SIGNAL_NO_REMOVE": "was a trial"}}}
    written(project, "new.json", rest)
    assert run("new.json", "--against", "old.json").exit_code == 0
    reserved = {**OLD, "compat": {"reserved": {"signals": ["user_created"]}}}
    written(project, "newer.json", reserved)
    assert rules(run("newer.json", "--against", "new.json", "--format", "json")) == ["SIGNAL_NO_READD"]


def test_reserved_arguments(project):
    """A name that a declaration reserves is a finding when it is declared again, at any depth."""
    place = {"type": "object", "properties": {"page": {"type": "string"}}}
    old = {
        "name": "q",
        "payload": {"properties": {"place": {"type": "object"}}},
        "compat": {"reserved": ["place.page"]},
    }
    written(project, "old.json", {"queues": [old]})
    written(project, "new.json", {"queues": [{"name": "q", "payload": {"properties": {"place": place}}}]})
    [found] = json.loads(run("new.json", "--against", "old.json", "--format", "json").stdout)["findings"]
    assert (found["rule"], found["pointer"]) == ("ARG_NO_READD", "/queues/0/payload/properties/place/properties/page")


@pytest.mark.parametrize(
    ("compat", "said"),
    [
        ({"allow": ["ARG_NO_REMOVE"]}, "/signals/0/compat/allow: expected an object, got an array"),
        ({"allow": {"ARG_NO_REMOVE": ""}}, "/signals/0/compat/allow/ARG_NO_REMOVE"),
        ({"reserve": []}, "/signals/0/compat: unknown 'reserve'"),
        ({"reserved": "email"}, "/signals/0/compat/reserved: expected an array, got a string"),
    ],
)
def test_what_a_declaration_says_is_checked(compat, said, project):
    """As all else in the file is."""
    written(project, "a.json", {"signals": [{"name": "a", "providing_args": [], "compat": compat}]})
    result = run("a.json", "--against", "git:main:schemas")
    assert result.exit_code == 1
    assert said in result.stderr


def test_rules_that_there_are_not_are_warned_of(project):
    """With a guess at what was meant, in a declaration and in a file."""
    allow = {"allow": {"ARG_NO_REMOV": "?"}}
    entry = {"name": "a", "providing_args": [], "compat": allow}
    written(project, "a.json", {"signals": [entry], "compat": {"allow": {"NO_SUCH_THING": "?"}}})
    result = run("a.json", "--against", "a.json")
    assert result.exit_code == 0
    assert "/signals/0/compat/allow/ARG_NO_REMOV: there is no rule 'ARG_NO_REMOV', did you mean" in result.stderr
    assert "/compat/allow/NO_SUCH_THING: there is no rule 'NO_SUCH_THING'" in result.stderr


def test_the_configuration_says_how_to_compare(project):
    """Mode and allowed rules stand in pyproject.toml; the command line counts more, and adds to what is allowed."""
    (project / "pyproject.toml").write_text(
        '[tool.microagent-gen]\nsources = ["schemas"]\noutput = "out"\n'
        '[tool.microagent-gen.compat]\nmode = "source"\nallow = ["ARG_NO_MAKE_OPTIONAL"]\n'
    )
    found = json.loads(run("--against", "git:main", "--format", "json").stdout)
    assert (found["mode"], [each["breaks"] for each in found["findings"]]) == ("source", [["source"]])
    assert rules(run("--against", "git:main", "--format", "json", "--mode", "forward")) == []
    assert run("--against", "git:main", "--allow", "ARG_NO_ADD_REQUIRED").exit_code == 0
    assert not (project / "out").exists()


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("formats = 1", "formats must be true or false"),
        ("mode = 'both'", "mode must be one of full, backward, forward, source, not 'both'"),
        ("allow = 'ARG_NO_REMOVE'", "allow must be a list of rules"),
        ("allow = ['ARG_NO_REMOV']", "there is no rule 'ARG_NO_REMOV', did you mean"),
        ("alow = []", "has no key 'alow', did you mean 'allow'?"),
    ],
)
def test_wrong_configurations(lines, said, project):
    """Each is a sentence that names the table."""
    (project / "pyproject.toml").write_text(f"[tool.microagent-gen.compat]\n{lines}\n")
    result = run("schemas", "--against", "git:main")
    assert result.exit_code == 2
    assert "[tool.microagent-gen.compat]" in result.stderr
    assert said in result.stderr


# -- what is written


def test_comparing_alone_writes_nothing(project):
    """Not even where the configuration says what to write."""
    (project / "pyproject.toml").write_text('[tool.microagent-gen]\nsources = ["schemas"]\noutput = "out"\n')
    written(project / "schemas", "app.json", OLD)
    assert run("--against", "git:main").exit_code == 0
    assert not (project / "out").exists()


def test_a_package_is_written_only_if_nothing_breaks(project):
    """With -o a comparison is a gate before it."""
    refused = run("schemas", "--against", "git:main", "-o", "out")
    assert (refused.exit_code, refused.stderr) == (1, "nothing was written, because of these breaking changes\n")
    assert not (project / "out").exists()
    written(project / "schemas", "app.json", OLD)
    result = run("schemas", "--against", "git:main", "-o", "out")
    assert (result.exit_code, result.stdout.splitlines()[0]) == (0, "against git:main: nothing breaks")
    assert "signals.py" in contents(project / "out")


def test_comparing_and_checking(project):
    """Both are done, and either can fail."""
    run("schemas", "-o", "out")
    result = run("schemas", "--against", "git:main", "-o", "out", "--check")
    assert result.exit_code == 1
    assert "2 findings\nout: 1 signal, 1 queue, up to date\n" in result.stdout
    written(project / "schemas", "app.json", OLD)
    result = run("schemas", "--against", "git:main", "-o", "out", "--check")
    assert result.exit_code == 1
    assert "against git:main: nothing breaks\n--- out/queues.py" in result.stdout
    run("schemas", "-o", "out")
    assert run("schemas", "--against", "git:main", "-o", "out", "--check").exit_code == 0


def test_formats_refuse_where_they_are_asked_to(project, monkeypatch):
    """On the command line or in the file; what cannot be checked here is one sentence."""
    for name, said in (("old.json", {}), ("new.json", {"format": "uuid"})):
        payload = {"properties": {"x": {"type": "string", **said}}}
        written(project, name, {"queues": [{"name": "q", "payload": payload}]})
    arguments = ["new.json", "--against", "old.json", "--format", "json"]
    assert rules(run(*arguments)) == []
    assert rules(run(*arguments, "--formats")) == ["LIMIT_NO_TIGHTEN"]
    (project / "pyproject.toml").write_text("[tool.microagent-gen.compat]\nformats = true\n")
    assert rules(run(*arguments)) == ["LIMIT_NO_TIGHTEN"]
    monkeypatch.setattr("microagent_gen.against.missing_formats", lambda: ["uuid"])
    result = run(*arguments)
    assert result.exit_code == 2
    assert "formats: nothing here can check uuid: pip install 'microagent[formats]'" in result.stderr


def test_without_hypothesis_less_is_found_and_nothing_fails(project):
    """What only a search could tell is undecided then."""
    for name, pattern in (("old.json", "^a+$"), ("new.json", "^a{1,3}$")):
        payload = {"properties": {"x": {"type": "string", "pattern": pattern}}}
        written(project, name, {"queues": [{"name": "q", "payload": payload}]})
    arguments = ["new.json", "--against", "old.json", "--format", "json"]
    assert "LIMIT_NO_TIGHTEN" in rules(run(*arguments))
    blocked = "import sys; sys.modules['hypothesis'] = None; from microagent_gen.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", blocked, *arguments], cwd=project, capture_output=True, text=True, check=False
    )
    assert (done.returncode, rules(done)) == (1, ["UNDECIDED"])


def test_the_repository_stays_as_it_is(project):
    """Neither the index nor the files are touched."""
    before = git(project, "status", "--porcelain=v2", "--branch")
    run("schemas", "--against", "git:main")
    assert git(project, "status", "--porcelain=v2", "--branch") == before


def test_definitions_that_multiply_are_compared_in_time(tmp_path):
    """Forty definitions, each naming the next one twice, are a billion places: a change of the last is still told."""
    for name, leaf in (("old.json", "string"), ("new.json", ["string", "null"])):
        definitions = {
            f"D{depth}": {"properties": {side: {"$ref": f"#/$defs/D{depth + 1}"} for side in "ab"}}
            for depth in range(40)
        }
        definitions["D40"] = {"type": leaf}
        payload = {"$ref": "#/$defs/D0"}
        written(tmp_path, name, {"queues": [{"name": "q", "payload": payload}], "$defs": definitions})
    done = run_process("new.json", "--against", "old.json", "--format", "json", cwd=tmp_path)
    assert (done.returncode, set(rules(done))) == (1, {"ARG_NO_WIDEN"})
