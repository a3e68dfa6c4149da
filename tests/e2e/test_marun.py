"""marun, with real processes."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from marun_group import is_running, marun, until, write

AGENTS = """
    import asyncio, os, time
    from microagent import MicroAgent, on, periodic
    from microagent.launcher import ServerInterrupt

    class Calm(MicroAgent):
        @on("post_start")
        def up(self):
            print(f"{type(self).__name__} is up", flush=True)

        @on("pre_stop")
        def down(self):
            print(f"{type(self).__name__} goes down", flush=True)

    class Serving(Calm):
        @on("server")
        async def serve(self):
            while not os.path.exists("end"):
                await asyncio.sleep(0.02)
            await self.end()

        async def end(self):
            raise ServerInterrupt("enough")

    class Crashing(Serving):
        async def end(self):
            raise RuntimeError("a pipe burst")

    class Unprepared(Calm):
        @on("pre_start")
        def prepare(self):
            raise RuntimeError("no database")

    class Lingering(Calm):
        @on("pre_stop")
        async def linger(self):
            print("Lingering lingers", flush=True)
            while not os.path.exists("end"):
                await asyncio.sleep(0.02)
            print("Lingering is done", flush=True)

    class Wedged(Calm):
        @on("post_start")
        def wedge(self):
            print("Wedged is stuck", flush=True)
            time.sleep(3600)

    class Sinking(Calm):
        @on("pre_stop")
        async def sink(self):
            await asyncio.sleep(0)  # the loop has run since the signal
            time.sleep(3600)

    class Stubborn(Calm):
        @on("server")
        async def serve(self):
            while True:
                try:
                    await asyncio.sleep(3600)
                except asyncio.CancelledError:
                    continue

    class Resigning(Calm):
        @periodic(period=60, timeout=60)
        async def resign(self):
            await self.stop()

    class Exiting(Calm):
        @on("server")
        async def serve(self):
            raise SystemExit(7)

    class Threaded(Calm):
        @on("post_start")
        def begin_to_work(self):
            asyncio.get_running_loop().run_in_executor(None, time.sleep, 3600)
"""

SETTINGS = """
    BUS = BROKER = {{}}
    AGENT = {{name.lower(): {{"backend": "agents." + name, "unpicklable": lambda: 0}} for name in {names!r}.split()}}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder that holds the module ``agents``."""
    write(tmp_path, agents=AGENTS)
    return tmp_path


def declare(project: Path, names: str) -> None:
    """Write settings with an agent of each of these classes, which is called like its class, in small letters."""
    write(project, settings=SETTINGS.format(names=names))


def end(project: Path) -> None:
    """Let the agents that wait for it go on."""
    (project / "end").touch()


start_methods = pytest.mark.parametrize("start_method", ["fork", "spawn", "forkserver"])


@start_methods
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stop_signal_stops_the_group_cleanly(project: Path, start_method: str, number: signal.Signals) -> None:
    """
    SIGINT or SIGTERM to marun stops all agents, their hooks running, and its exit status is 0. Settings may hold what
    cannot be pickled.
    """
    declare(project, "Calm Serving")

    with marun(project, "settings", "--start-method", start_method) as group:
        group.says("is up", times=2)
        group.send(number)

        assert group.ends() == 0
        assert group.output.count("goes down") == 2
        assert "Traceback" not in group.output


@start_methods
def test_ctrl_c_of_a_terminal_is_one_stop(project: Path, start_method: str) -> None:
    """
    A terminal sends SIGINT to marun and its agents alike; they stop once, with status 0 and no traceback.
    """
    declare(project, "Calm Serving")

    with marun(project, "settings", "--start-method", start_method) as group:
        group.says("is up", times=2)
        os.killpg(group.process.pid, signal.SIGINT)

        assert group.ends() == 0
        assert group.output.count("goes down") == 2
        assert "Traceback" not in group.output


@start_methods
def test_ctrl_c_while_processes_start(project: Path, start_method: str) -> None:
    """
    SIGINT in the middle of the start stops what has been started, with status 0 and no traceback.
    """
    declare(project, "Calm Serving")

    with marun(project, "settings", "--start-method", start_method) as group:
        group.says("started, pid")
        os.killpg(group.process.pid, signal.SIGINT)

        assert group.ends() == 0
        assert "Traceback" not in group.output


@start_methods
def test_crash_of_one_agent_stops_all(project: Path, start_method: str) -> None:
    """
    An agent whose server fails is reported once, with its name and traceback; the others stop cleanly; status 1.
    """
    declare(project, "Calm Crashing")

    with marun(project, "settings", "--start-method", start_method) as group:
        group.says("is up", times=2)
        end(project)

        assert group.ends() == 1
        assert "Calm goes down" in group.output
        assert group.output.count("Traceback") == group.output.count("RuntimeError: a pipe burst") == 1
        assert "marun: agent 'crashing' failed with exit status 1; the group was stopped" in group.output


def test_agent_that_is_killed_stops_all(project: Path) -> None:
    """
    An agent whose process is killed, by the system for example, ends the group with status 1.
    """
    declare(project, "Calm Serving")

    with marun(project, "settings") as group:
        group.says("is up", times=2)
        os.kill(group.pids[1], signal.SIGKILL)

        assert group.ends() == 1
        assert "Calm goes down" in group.output
        assert "marun: agent 'serving' was killed by SIGKILL; the group was stopped" in group.output


def test_failure_in_pre_start_names_the_agent(project: Path) -> None:
    """
    An exception in a pre_start hook ends the group with status 1, the agent's name, and the traceback once.
    """
    declare(project, "Calm Unprepared")

    with marun(project, "settings") as group:
        assert group.ends() == 1
        assert group.output.count("Traceback") == group.output.count("RuntimeError: no database") == 1
        assert "Agent 'unprepared' failed" in group.output
        assert "marun: agent 'unprepared' failed with exit status 1; the group was stopped" in group.output


@start_methods
def test_server_interrupt_is_a_clean_end(project: Path, start_method: str) -> None:
    """
    ServerInterrupt in one agent stops the whole group, with status 0.
    """
    declare(project, "Calm Serving")

    with marun(project, "settings", "--start-method", start_method) as group:
        group.says("is up", times=2)
        end(project)

        assert group.ends() == 0
        assert group.output.count("goes down") == 2
        assert "Traceback" not in group.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_second_stop_signal_kills_at_once(project: Path, number: signal.Signals) -> None:
    """
    Who does not want to wait for the handlers sends the signal again: all is killed, with status 1.
    """
    declare(project, "Calm Lingering")

    with marun(project, "settings") as group:
        group.says("is up", times=2)
        group.send(number)
        group.says("Lingering lingers")
        until(lambda: not is_running(group.pids[0]), "Calm has stopped")
        time.sleep(0.3)  # two signals within 0.2 s are one
        group.send(number)

        assert group.ends(timeout=2) == 1
        assert "marun: agent 'lingering' did not stop and was killed; the group was stopped" in group.output


def test_signal_that_comes_to_all_processes_again_interrupts_no_stop(project: Path) -> None:
    """
    Service managers send SIGTERM to every process of a group, so an agent may get it twice; it stops in peace.
    """
    declare(project, "Lingering")

    with marun(project, "settings") as group:
        group.says("is up")
        os.killpg(group.process.pid, signal.SIGTERM)
        group.says("Lingering lingers")
        os.kill(group.pids[0], signal.SIGTERM)
        end(project)

        assert group.ends() == 0
        assert "Lingering is done" in group.output


@start_methods
def test_handlers_finish_before_the_end(project: Path, start_method: str) -> None:
    """
    A handler that runs when the group is told to stop runs to its end; the status is 0.
    """
    write(
        project,
        settings="""
            BUS = {}
            BROKER = {"own": {"dsn": "memory://"}}
            AGENT = {"working": {"backend": "working.Working", "broker": "own"}}
        """,
        working="""
            import asyncio, os
            from microagent import MicroAgent, Queue, consumer, on

            class Working(MicroAgent):
                @on("post_start")
                async def begin(self):
                    await self.broker.job.send({})

                @consumer(Queue("job"))
                async def work(self, **kwargs):
                    print("at work", flush=True)
                    while not os.path.exists("end"):
                        await asyncio.sleep(0.02)
                    print("done", flush=True)

                @on("pre_stop")
                def down(self):
                    print("goes down", flush=True)
        """,
    )

    with marun(project, "settings", "--start-method", start_method) as group:
        group.says("at work")
        group.send(signal.SIGTERM)
        group.says("goes down")
        end(project)

        assert group.ends() == 0
        assert "done" in group.output


def test_agent_that_does_not_stop_is_killed(project: Path) -> None:
    """
    What has not ended after the shutdown timeout and five seconds more is killed, with status 1; the line that blocks
    it is told, whether it did when the signal came or does since.
    """
    declare(project, "Calm Wedged Sinking")

    with marun(project, "settings", "--shutdown-timeout", "0.1") as group:
        group.says("Wedged is stuck")
        group.says("Calm is up")
        group.says("Sinking is up")
        group.send(signal.SIGTERM)

        assert group.ends(timeout=10) == 1
        assert re.search(r"'sinking' cannot stop: its event loop is blocked by sink, in .*agents\.py:\d+", group.output)
        assert "Calm goes down" in group.output
        assert re.search(r"'wedged' cannot stop: its event loop is blocked by wedge, in .*agents\.py:\d+", group.output)
        assert "marun: agent 'wedged' did not stop and was killed, agent 'sinking' did not stop" in group.output


def test_thread_that_does_not_end_is_left(project: Path) -> None:
    """
    An agent that has stopped does not keep its group waiting for a thread of its own: a warning, then status 1.
    """
    declare(project, "Calm Threaded")

    with marun(project, "settings") as group:
        group.says("is up", times=2)
        group.send(signal.SIGTERM)

        assert group.ends(timeout=10) == 1
        assert group.output.count("goes down") == 2
        assert "Agent 'threaded' has ended, but threads of it have not" in group.output
        assert "marun: agent 'threaded' failed with exit status 1; the group was stopped" in group.output


def test_task_that_does_not_end_is_named(project: Path) -> None:
    """
    Nor does it for a task that ignores its cancellation, which the warning names.
    """
    declare(project, "Calm Stubborn")

    with marun(project, "settings") as group:
        group.says("is up", times=2)
        group.send(signal.SIGTERM)

        assert group.ends(timeout=15) == 1
        assert "'stubborn' has ended, but tasks of it ignore their cancellation: Stubborn.serve\n" in group.output


def test_agent_that_stops_itself_ends_its_process(project: Path) -> None:
    """
    It is a clean end, of its group too.
    """
    declare(project, "Calm Resigning")

    with marun(project, "settings") as group:
        assert group.ends() == 0
        assert group.output.count("goes down") == 2


def test_server_that_exits_ends_its_agent_first(project: Path) -> None:
    """
    The agent stops in order; the status of the process is the one that the server asked for.
    """
    declare(project, "Calm Exiting")

    with marun(project, "settings") as group:
        assert group.ends() == 1
        assert group.output.count("goes down") == 2
        assert "agent 'exiting' failed with exit status 7" in group.output


@start_methods
def test_no_agent_outlives_marun(project: Path, start_method: str) -> None:
    """
    When marun is killed with -9, its agents are gone within 5 seconds, be they calm, lingering or wedged.
    """
    declare(project, "Calm Lingering Wedged")

    with marun(project, "settings", "--start-method", start_method) as group:
        group.says("is up", times=2)
        group.says("Wedged is stuck")
        group.send(signal.SIGKILL)

        until(lambda: not any(map(is_running, group.pids)), "all agents are gone", timeout=5)
        assert "Calm goes down" in group.output


def test_agents_are_no_zombies(project: Path) -> None:
    """
    An agent that has ended leaves no zombie while the others stop.
    """
    declare(project, "Lingering Serving")

    with marun(project, "settings") as group:
        group.says("is up", times=2)
        serving = group.pids[1]
        os.kill(serving, signal.SIGKILL)
        group.says("Lingering lingers")

        until(lambda: not Path(f"/proc/{serving}").exists(), "it was waited for")
        end(project)
        assert group.ends() == 1


def test_logging_has_a_default(project: Path) -> None:
    """
    Without a logging configuration, INFO and above goes to stderr, with the pid of its process.
    """
    declare(project, "Calm")

    with marun(project, "settings") as group:
        group.says("is up")
        group.send(signal.SIGTERM)

        assert group.ends() == 0
        assert f"INFO     [pid#{group.process.pid}] " in group.output


def test_logging_of_the_settings_is_kept(project: Path) -> None:
    """
    A settings module that configures logging is obeyed.
    """
    declare(project, "Calm")
    with (project / "settings.py").open("a") as settings:
        settings.write("import logging\nlogging.basicConfig(format='! %(message)s', level=logging.INFO)\n")

    with marun(project, "settings", "--start-method", "spawn") as group:
        group.says("is up")
        group.send(signal.SIGTERM)

        assert group.ends() == 0
        assert "! Agent 'calm' started, pid" in group.output
        assert "INFO  " not in group.output


def test_modules_make_one_group(project: Path) -> None:
    """
    The agents of several settings modules run as one group.
    """
    declare(project, "Calm")
    write(project, others=SETTINGS.format(names="Serving"))

    with marun(project, "settings", "others") as group:
        group.says("is up", times=2)
        end(project)

        assert group.ends() == 0
        assert "Calm goes down" in group.output


def refused(project: Path, *arguments: str) -> str:
    """What marun says when it does not start."""
    with marun(project, *arguments) as group:
        assert group.ends() == 2
        assert group.pids == []
        return group.output


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ("", "settings: no agents are configured, AGENT is missing"),
        ("AGENT = {}", "settings: no agents are configured, AGENT is empty"),
        ("AGENT = ['agents.Calm']", "settings: AGENT has to be a dictionary"),
        ("AGENT = {'a': 'agents.Calm'}", "settings: AGENT['a'] has to be a dictionary under a string key"),
        ("AGENT = {'a': {}}", "settings: AGENT['a'] needs a 'backend', the import path of the agent class"),
        ("AGENT = {'a': {'backend': 'nowhere.Calm'}}", "settings: AGENT['a']: there is no module 'nowhere'"),
        (
            "AGENT = {'a': {'backend': 'agents.Clam'}}",
            "settings: AGENT['a']: module 'agents' has no 'Clam', did you mean 'Calm'?",
        ),
        ("AGENT = {'a': {'backend': 'agents.asyncio'}}", "settings: AGENT['a']: agents.asyncio is no MicroAgent"),
        (
            "BUS = {'main': {'dsn': 'local://'}}\nAGENT = {'a': {'backend': 'agents.Calm', 'bus': 'mian'}}",
            "settings: AGENT['a']['bus']: BUS has no 'mian', did you mean 'main'?",
        ),
        (
            "BROKER = {'main': {'dsn': 'lokal://'}}\nAGENT = {'a': {'backend': 'agents.Calm', 'broker': 'main'}}",
            "settings: AGENT['a']: its broker: no queue broker for 'lokal://'",
        ),
        (
            "BUS = {'m': {'dsn': 'memory://', 'colour': 1}}\nAGENT = {'a': {'backend': 'agents.Calm', 'bus': 'm'}}",
            "settings: AGENT['a']: its bus: microagent.tools.memory.MemorySignalBus: it has no option 'colour'",
        ),
        ("import nowhere", "settings: importing 'settings' failed: there is no module 'nowhere' ("),
        ("\n1 / 0", "settings: importing 'settings' failed: ZeroDivisionError: division by zero ("),
        ("AGENT = {", "settings: importing 'settings' failed: SyntaxError: '{' was never closed (settings.py, line 1)"),
    ],
)
def test_mistake_in_settings_is_one_line(project: Path, settings: str, sentence: str) -> None:
    """
    What is wrong with the settings is said in one line, status 2, before anything starts.
    """
    write(project, settings=settings)

    said = refused(project, "settings")

    assert said.startswith(f"marun: {sentence}")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere"], "marun: nowhere: there is no module 'nowhere'\n"),
        (["./settings.py"], "marun: ./settings.py: settings are given as a module name, such as settings\n"),
        (["settings", "settings"], "marun: two agents are called 'calm', in settings and settings\n"),
        (["settings", "--start-method", "wish"], "Error: Invalid value for '--start-method'"),
        (["settings", "--only", "clam"], "marun: there is no agent 'clam', did you mean 'calm'?\n"),
        (["settings", "--check", "--reload"], "Error: --check and --reload exclude each other"),
        ([], "Error: Missing argument 'SETTINGS...'"),
    ],
)
def test_mistake_in_the_command_line(project: Path, arguments: list[str], sentence: str) -> None:
    """
    What is wrong with the command line is said in a sentence, status 2, before anything starts.
    """
    declare(project, "Calm")

    said = refused(project, *arguments)

    assert sentence in said
    assert "Traceback" not in said


def test_mistake_that_only_a_start_can_find(project: Path) -> None:
    """
    A folder that the embedded backend refuses is one line without a traceback, naming the agent; status 1.
    """
    (project / "real").mkdir()
    (project / "link").symlink_to("real")
    write(
        project,
        settings="""
            BUS = {}
            BROKER = {"main": {"dsn": "local://" + __file__.replace("settings.py", "link")}}
            AGENT = {"mailer": {"backend": "mailing.Mailer", "broker": "main"}}
        """,
        mailing="""
            from microagent import MicroAgent, Queue, consumer

            class Mailer(MicroAgent):
                @consumer(Queue("mailer"))
                async def mail(self, **kwargs):
                    pass
        """,
    )

    with marun(project, "settings") as group:
        assert group.ends() == 1
        assert "Agent 'mailer': " in group.output
        assert "Traceback" not in group.output


def test_environment_overrides_every_dsn(project: Path) -> None:
    """
    MICROAGENT_BUS and MICROAGENT_BROKER take the place of the DSNs and backends of the settings, and of local://.
    """
    write(
        project,
        settings="""
            BROKER = {"main": {"backend": "nowhere.Broker", "dsn": "amqp://localhost"}}
            AGENT = {"telling": {"backend": "telling.Telling", "broker": "main"}}
        """,
        telling="""
            from microagent import MicroAgent, on

            class Telling(MicroAgent):
                @on("post_start")
                def tell(self):
                    print(f"{self.bus} {self.broker} is up", flush=True)
        """,
    )

    with marun(project, "settings", MICROAGENT_BUS="memory://a", MICROAGENT_BROKER="memory://b") as group:
        group.says("is up")
        group.send(signal.SIGTERM)

        assert group.ends() == 0
        assert "MemorySignalBus('memory://a', prefix='PUBSUB') MemoryBroker('memory://b') is up" in group.output


def test_agents_meet_on_local_by_default(project: Path) -> None:
    """
    Without BUS and BROKER dictionaries, agents reach each other through a folder in the working directory.
    """
    write(
        project,
        settings="""
            AGENT = {name: {"backend": "talking." + name.title()} for name in ("listener", "speaker")}
        """,
        talking="""
            from microagent import MicroAgent, Queue, Signal, consumer, periodic, receiver

            word, letter = Signal("word", ["text"]), Queue("letter")

            class Speaker(MicroAgent):
                @periodic(period=0.1)
                async def speak(self):
                    await self.bus.word.send("speaker", text="hello")
                    await self.broker.letter.send({"text": "dear"})

            class Listener(MicroAgent):
                @receiver(word)
                async def listen(self, text, **kwargs):
                    print(f"heard {text}", flush=True)

                @consumer(letter)
                async def read(self, text, **kwargs):
                    print(f"read {text}", flush=True)
        """,
    )

    with marun(project, "settings") as group:
        group.says("heard hello")
        group.says("read dear")
        group.send(signal.SIGTERM)

        assert group.ends() == 0
        assert (project / ".microagent").is_dir()


def test_check_shows_the_agents(project: Path) -> None:
    """
    ``--check`` starts nothing, shows each agent as a tree, and exits with status 0.
    """
    declare(project, "Calm Serving")

    with marun(project, "settings", "--check") as group:
        assert group.ends() == 0
        assert group.output == (
            "calm: agents.Calm\n"
            "├── bus: none\n"
            "├── broker: none\n"
            "└── hooks and servers\n"
            "    ├── post_start → up\n"
            "    └── pre_stop → down\n"
            "serving: agents.Serving\n"
            "├── bus: none\n"
            "├── broker: none\n"
            "└── hooks and servers\n"
            "    ├── post_start → up\n"
            "    ├── pre_stop → down\n"
            "    └── server → serve\n"
        )


@pytest.mark.parametrize("options", [(), ("--check",), ("--check", "--json-logs")])
def test_key_that_looks_misspelt_is_warned_of(project: Path, options: tuple[str, ...]) -> None:
    """
    A key that is almost one of marun's is taken for a setting of the agent, and that is said; it is no mistake.
    """
    write(project, settings="AGENT = {'a': {'backend': 'agents.Serving', 'borker': 'main'}}")
    end(project)

    with marun(project, "settings", *options) as group:
        assert group.ends() in (0, 1)

    assert "AGENT['a']: 'borker' is not a key of marun, so it is a setting, did you mean 'broker'?" in group.output


def test_check_tells_every_mistake(project: Path) -> None:
    """
    ``--check`` of settings that are wrong is a line for each mistake, and status 2.
    """
    declare(project, "Clam Calm Severing")

    assert refused(project, "settings", "--check").splitlines() == [
        "marun: settings: AGENT['clam']: module 'agents' has no 'Clam', did you mean 'Calm'?",
        "marun: settings: AGENT['severing']: module 'agents' has no 'Severing', did you mean 'Serving'?",
    ]


def test_only_what_is_named_runs(project: Path) -> None:
    """
    ``--only`` runs these agents alone, whatever the others are like.
    """
    declare(project, "Calm Missing Serving Lingering")

    with marun(project, "settings", "--only", "calm", "--only", "serving") as group:
        group.says("is up", times=2)
        assert len(group.pids) == 2
        group.send(signal.SIGTERM)

        assert group.ends() == 0
        assert "Lingering" not in group.output


def test_level_is_set_by_the_command_line(project: Path) -> None:
    """
    ``--log-level`` counts more than what the settings say, in every process.
    """
    declare(project, "Calm")
    with (project / "settings.py").open("a") as settings:
        settings.write("import logging\nlogging.basicConfig(format='! %(message)s', level=logging.INFO)\n")

    with marun(project, "settings", "--log-level", "error", "--start-method", "spawn") as group:
        group.says("is up")
        group.send(signal.SIGTERM)

        assert group.ends() == 0
        assert "!" not in group.output


@start_methods
def test_logs_are_json(project: Path, start_method: str) -> None:
    """
    ``--json-logs`` makes every line of the log an object that tells whose it is, a crash included.
    """
    declare(project, "Unprepared")

    with marun(project, "settings", "--json-logs", "--start-method", start_method) as group:
        assert group.ends() == 1
        said = {line["message"]: line for line in map(json.loads, group.output.splitlines())}
        crash = said["Agent 'unprepared' failed"]
        assert crash["agent"] == "unprepared"
        assert crash["exception"].endswith("RuntimeError: no database")
        started = said[f"Agent 'unprepared' started, pid {crash['pid']}"]
        assert (started["agent"], started["pid"]) == (None, group.process.pid)
        assert "agent 'unprepared' failed with exit status 1; the group was stopped" in said


def test_mistakes_are_json(project: Path) -> None:
    """
    With ``--json-logs``, what is wrong with the settings is an object, too.
    """
    (said,) = map(json.loads, refused(project, "nowhere", "--json-logs").splitlines())

    assert (said["level"], said["message"]) == ("CRITICAL", "nowhere: there is no module 'nowhere'")


def test_colours_are_for_who_wants_them(project: Path) -> None:
    """
    There are none in a file, unless FORCE_COLOR asks for them.
    """
    declare(project, "Unprepared")

    with marun(project, "settings") as group:
        assert group.ends() == 1
        assert "\x1b" not in group.output
    with marun(project, "settings", FORCE_COLOR="1") as group:
        assert group.process.wait(30) == 1
        assert "\x1b[31mCRITICAL\x1b[0m [pid#" in group.output
        assert "\x1b[31mmarun: agent 'unprepared' failed" in group.output


def test_crash_shows_the_end_of_its_traceback(project: Path) -> None:
    """
    The frames of the agent's own code, and not those of what called it.
    """
    declare(project, "Crashing")
    end(project)

    with marun(project, "settings") as group:
        assert group.ends() == 1
        _, traceback = group.output.split("Traceback (most recent call last):\n")
        frames = [line.strip() for line in traceback.splitlines() if line.startswith("      File ")]
        assert [frame.rpartition(" in ")[2] for frame in frames] == ["serve", "end"]


def test_shutdown_timeout_reaches_a_crash(project: Path) -> None:
    """
    When an agent fails, its handlers have the seconds of ``--shutdown-timeout``, and no more.
    """
    write(
        project,
        settings="""
            BUS = {"own": {"dsn": "memory://"}}
            BROKER = {}
            AGENT = {"busy": {"backend": "busy.Busy", "bus": "own"}}
        """,
        busy="""
            import asyncio
            from microagent import MicroAgent, Signal, on, receiver

            class Busy(MicroAgent):
                @receiver(Signal("job", []))
                async def work(self, **kwargs):
                    self.busy.set()
                    await asyncio.Event().wait()

                @on("server")
                async def serve(self):
                    self.busy = asyncio.Event()
                    await self.bus.job.send("busy")
                    await self.busy.wait()
                    raise RuntimeError("a pipe burst")
        """,
    )

    with marun(project, "settings", "--shutdown-timeout", "0.1") as group:
        assert group.ends(timeout=10) == 1
        assert "RuntimeError: a pipe burst" in group.output


@pytest.mark.parametrize("start_method", ["spawn", "forkserver"])
def test_agent_that_hangs_in_its_settings_does_not_outlive_marun(project: Path, start_method: str) -> None:
    """
    A process whose settings do not come to an end, which its parent's did, is gone within 5 seconds of its parent.
    """
    declare(project, "Calm")
    with (project / "settings.py").open("a") as settings:
        settings.write(
            "import multiprocessing, time\n"
            "if multiprocessing.parent_process():\n"
            "    print('stuck', flush=True)\n"
            "    time.sleep(3600)\n"
        )

    with marun(project, "settings", "--start-method", start_method) as group:
        group.says("stuck")
        group.send(signal.SIGKILL)

        until(lambda: not any(map(is_running, group.pids)), "the agent is gone", timeout=5)


def test_settings_that_fail_in_the_child_alone(project: Path) -> None:
    """
    They are told with the agent's name, once.
    """
    declare(project, "Calm")
    with (project / "settings.py").open("a") as settings:
        settings.write("import multiprocessing\nif multiprocessing.parent_process(): 1 / 0\n")

    with marun(project, "settings", "--start-method", "spawn") as group:
        assert group.ends() == 1
        assert "Agent 'calm': settings: importing 'settings' failed: ZeroDivisionError" in group.output
        assert "Traceback" not in group.output


def help_text(*arguments: str) -> str:
    command = [Path(sys.executable).with_name("marun"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_help_shows_a_worked_example() -> None:
    """
    ``marun --help`` shows settings, the command that runs them, and what the exit status means.
    """
    text = help_text("--help")

    assert "AGENT = {\n" in text
    assert "$ marun myproject.settings\n" in text
    assert "Exit status" in text


def test_version() -> None:
    """
    ``marun --version`` says the version of the package.
    """
    assert help_text("--version") == "microagent 2.0.0\n"


LOOPS = """
    import asyncio
    from microagent import MicroAgent, Queue, Signal, consumer, periodic, receiver

    asked, wanted = Signal("loop_asked", [], returns="string"), Queue("loop_wanted")

    def loop():
        return type(asyncio.get_running_loop()).__module__.partition(".")[0]

    class Asking(MicroAgent):
        @periodic(period=0.2, timeout=10, start_after=0.2)
        async def ask(self):
            answers = await self.bus.loop_asked.call("asking", timeout=5)
            await self.broker.loop_wanted.send({"loops": [loop(), *answers.values()]})

    class Answering(MicroAgent):
        @receiver(asked)
        async def answer(self, **kwargs):
            return loop()

        @consumer(wanted)
        async def note(self, loops):
            print("runs on", *loops, flush=True)
"""


def test_agents_run_on_the_loop_that_is_chosen(tmp_path: Path) -> None:
    """They call each other, send messages and stop on uvloop as they do on asyncio's own."""
    write(
        tmp_path,
        loops=LOOPS,
        settings="""
        AGENT = {name: {"backend": f"loops.{name.title()}"} for name in ("asking", "answering")}
    """,
    )
    for loop in ("uvloop", "asyncio"):
        with marun(tmp_path, "settings", "--loop", loop) as group:
            group.says(f"runs on {loop} {loop}", times=2)
            group.send(signal.SIGTERM)

            assert group.ends() == 0
            assert "Traceback" not in group.output


def test_loop_that_is_not_installed_is_a_mistake(project: Path) -> None:
    """Nothing is started, and what to install is said."""
    declare(project, "Calm")
    write(project, uvloop="raise ModuleNotFoundError(\"No module named 'uvloop'\", name='uvloop')")

    with marun(project, "settings", "--loop", "uvloop") as group:
        assert group.ends() == 2
        assert group.output == "marun: '--loop uvloop' needs 'uvloop': pip install 'microagent[uvloop]'\n"
