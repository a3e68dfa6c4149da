"""What many declarations cost: seconds are printed, that they work and what they do without is asserted."""

import os
import subprocess
import sys
import time

from generating import run, written


def declarations(count):
    payload = {
        "properties": {
            "user_id": {"type": "integer"},
            "text": {"type": "string"},
            "meta": {"properties": {"ip": {"type": "string"}}, "required": ["ip"]},
        },
        "required": ["user_id"],
    }
    return {"signals": [{"name": f"many_{number:04}", "payload": payload} for number in range(count)]}


def test_a_thousand_signals(tmp_path):
    """A package of a thousand signals is generated and imported."""
    source = written(tmp_path, "many.json", declarations(1000))
    started = time.perf_counter()
    result = run(source, "-o", tmp_path / "contracts")
    generated = time.perf_counter() - started
    assert result.exit_code == 0, result.output
    code = (
        "import microagent, time; started = time.perf_counter(); import contracts; "
        "print(time.perf_counter() - started, contracts.signals.many_0999.name)"
    )
    command = [sys.executable, "-c", code]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    first, second = (
        subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, env=environment).stdout
        for _ in range(2)
    )
    assert first.split()[1] == second.split()[1] == "many_0999"
    seconds = [float(text.split()[0]) for text in (first, second)]
    print(f"1,000 signals: generated in {generated:.1f} s, imported in {seconds[0]:.2f} s, then in {seconds[1]:.2f} s")


def test_plain_declarations_do_without_jsonschema(tmp_path):
    """What takes long to import is imported only where a schema asks for it."""
    odd = {"queues": [{"name": "odd", "payload": {"not": {"required": ["a"]}, "multipleOf": 0}}]}
    for name, document, needed in (("plain", declarations(1), False), ("odd", odd, True)):
        source = written(tmp_path, f"{name}.json", document)
        code = (
            "import sys; from microagent_gen.cli import main\n"
            f"main({[str(source), '-o', str(tmp_path / name)]!r}, standalone_mode=False)\n"
        )
        ending = "import atexit, sys; atexit.register(lambda: print('jsonschema' in sys.modules)); "
        command = [sys.executable, "-c", ending + code]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.stdout.split()[-1] == str(needed), done.stderr
