#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""settings.py ROUSE: files of settings as a person has them, and the program's answers.

What rouse takes from a file is what Python's tomllib takes from it, of files made from a seed by breaking sound ones;
what is said beats the environment, which beats the file; where the file is looked for.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROUSE = sys.argv[1]
ROOT = Path(os.environ["ROUSE_SOURCE_ROOT"])
FRAMES = ROOT / "tests/tui/trouble.frames"
SOUND = [
    b'theme = "dark" # one\ndelay = 0.5\nascii = true\n\n[thresholds]\npoll = "250ms"\nherd = 1_0\n',
    b"kernel = ['sched', # why\n \"faults\",\n]\n[sort]\ntasks = '-busy'\n[colors]\nproven = \"bold 208\"\n",
    b'"theme" = "light"\r\nsort.tasks = "busy"\r\n[thresholds]\r\n',
    b'source = "\\u0061uto"\nlooks = +3\ncolor = "\\U00000061uto"\n# \xc3\xa9\n',
]
PIECES = [b'"', b"'", b"=", b"[", b"]", b"\n", b"\r\n", b"\r", b"#", b".", b",", b"\\", b"_", b"1", b"0", b" ", b"\x00",
          b"\x7f", b"\xff", b"\xe2\x80", b"'''", b'"""', b"true", b"[[", b"{", b"theme", b"[sort]", b"looks = 2\n"]


def rouse(*words, **environment):
    env = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "ROUSE_THEME", "ROUSE_CONFIG")}
    env.update(LC_ALL="C.UTF-8", HOME="/nonexistent", **environment)
    env.pop("XDG_CONFIG_HOME", None) if "XDG_CONFIG_HOME" not in environment else None
    return subprocess.run([ROUSE, *words], env=env, capture_output=True, timeout=30)


def told(*words, **environment):
    run = rouse("config", "--json", *words, **environment)
    assert run.returncode == 0, (words, run.stderr)
    return {setting["name"]: setting for setting in json.loads(run.stdout)["settings"]}


def flat(table, before=""):
    for key, value in table.items():
        if isinstance(value, dict):
            yield from flat(value, before + key + ".")
        else:
            yield before + key, value


def as_text(value):
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def same(text, value):
    if text == as_text(value):
        return True
    try:
        return not isinstance(value, (bool, list)) and float(text) == float(value)
    except ValueError:
        return False


def broken(dice):
    text = bytearray(dice.choice(SOUND))
    for _ in range(dice.randrange(3)):
        at = dice.randrange(len(text) + 1)
        text[at:at + dice.choice([0, 0, 1, 3])] = dice.choice(PIECES)
    return bytes(text)


def what_is_taken_is_toml(folder):
    seed = int(os.environ.get("ROUSE_TEST_SEED", random.randrange(1 << 32)))
    print("ROUSE_TEST_SEED", seed)
    dice = random.Random(seed)
    taken = 0
    for text in SOUND + [broken(dice) for _ in range(200)]:
        path = folder / "peer.toml"
        path.write_bytes(text)
        run = rouse("config", "--json", "--config", str(path))
        if run.returncode != 0:
            assert run.returncode == 2 and str(path).encode() + b":" in run.stderr, (text, run)
            assert text not in SOUND, (text, run.stderr)
            continue
        taken += 1
        settings = {s["name"]: s for s in json.loads(run.stdout)["settings"]}
        expected = dict(flat(tomllib.loads(text.decode())))
        from_file = {name for name, s in settings.items() if s["from"].startswith("line ")}
        assert from_file == set(expected), (text, from_file)
        for name, value in expected.items():
            assert same(settings[name]["value"], value), (text, name, settings[name])
    assert taken > len(SOUND), "none of the broken ones was still sound: they are broken too much"


def the_default_file_is_toml():
    text = rouse("config", "--print-default").stdout.decode()
    assert tomllib.loads(text) == {"thresholds": {}, "sort": {}, "columns": {}, "colors": {}}, text
    assert "# theme = \"dark\"" in text


def what_is_said_beats_the_environment_beats_the_file(folder):
    path = folder / "beaten.toml"
    path.write_text('theme = "tokio"\ncolor = "256"\n')
    said = told("--config", str(path))
    assert (said["theme"]["value"], said["theme"]["from"]) == ("tokio", "line 1"), said
    said = told("--config", str(path), ROUSE_THEME="light")
    assert (said["theme"]["value"], said["theme"]["from"]) == ("light", "ROUSE_THEME"), said
    said = told("--config", str(path), "--set", "theme=mono", ROUSE_THEME="light")
    assert (said["theme"]["value"], said["theme"]["from"]) == ("mono", "--set"), said
    ps = ("ps", "--frames", str(FRAMES), "--config", str(path))
    assert b"\x1b[" in rouse(*ps).stdout
    assert b"\x1b[" not in rouse(*ps, NO_COLOR="1").stdout
    assert b"\x1b[" in rouse(*ps, "--color", "256", NO_COLOR="1").stdout
    assert b"\x1b[" not in rouse(*ps, "--color", "never").stdout
    # A theme is seen: another colour for the same text.
    dark, light = (rouse(*ps, "--theme", theme, "--color", "256").stdout for theme in ("dark", "light"))
    assert dark != light
    assert b"38;5;" not in rouse(*ps, "--theme", "mono", "--color", "256").stdout


def a_file_is_looked_for_where_it_belongs(folder):
    (folder / "rouse").mkdir()
    (folder / "rouse/config.toml").write_text('theme = "tokio"\n')
    (folder / "home/.config/rouse").mkdir(parents=True)
    (folder / "home/.config/rouse/config.toml").write_text('theme = "mono"\n')
    home = str(folder / "home")
    assert told(XDG_CONFIG_HOME=str(folder))["theme"]["value"] == "tokio"
    assert rouse_home(home)["theme"]["value"] == "mono"
    assert told(XDG_CONFIG_HOME=str(folder), ROUSE_CONFIG="")["theme"]["value"] == "dark"
    assert told("--config", str(folder / "rouse/config.toml"))["theme"]["value"] == "tokio"
    assert told(XDG_CONFIG_HOME="rouse", ROUSE_CONFIG="")["theme"]["from"] == "default"
    assert told()["theme"]["from"] == "default"  # none there is no error
    for words, environment in ((["--config", "/no/such/file"], {}), ([], {"ROUSE_CONFIG": "/no/such/file"}),
                               (["--config", str(folder)], {})):
        run = rouse("config", *words, **environment)
        assert run.returncode == 2 and b"cannot read the settings" in run.stderr, run


def rouse_home(home):
    env = {"HOME": home, "PATH": os.environ["PATH"]}
    run = subprocess.run([ROUSE, "config", "--json"], env=env, capture_output=True, timeout=30, check=True)
    return {setting["name"]: setting for setting in json.loads(run.stdout)["settings"]}


def what_is_wrong_is_told_with_its_place(folder):
    path = folder / "wrong.toml"
    for text, complaint in (
            ('thme = "dark"', ":1:1: there is no setting thme; did you mean theme?"),
            ("\n[thresholds]\n  pol = 2", ":3:3: there is no setting thresholds.pol; did you mean thresholds.poll?"),
            ("poll = 2", ":1:1: there is no setting poll; did you mean thresholds.poll?"),
            ('theme = "drak"', ":1:9: theme cannot be \"drak\": it is one of dark, light"),
            ("ascii = 1", ":1:9: ascii takes true or false"),
            ("looks = 0", ":1:9: looks cannot be"),
            ('[sort]\ntasks = "-bsy"', ":2:9: tasks cannot be"),
            ('[colors]\nproven = "mauve"', ":2:10: proven cannot be"),
            ("[colours]", ":1:1: there is no table [colours]; did you mean [colors]?"),
            ("[sort]\n[sort]", ":2:1: [sort] is there already"),
            ("looks = 1\nlooks = 1", ":2:1: looks is set twice"),
            ('theme = "\x1b[2J"', "control character")):
        path.write_text(text)
        for words in (["config"], ["ps", "--frames", str(FRAMES)]):
            run = rouse(*words, "--config", str(path))
            assert run.returncode == 2 and complaint.encode() in run.stderr and not run.stdout, (text, run)
    run = rouse("ps", "--set", "theme=x", "1")
    assert run.returncode == 2 and b"it is one of dark" in run.stderr, run
    run = rouse("ps", "--colour", "x", "1")
    assert run.returncode == 2 and b"did you mean --color?" in run.stderr, run


def main():
    with tempfile.TemporaryDirectory() as folder:
        what_is_taken_is_toml(Path(folder))
        the_default_file_is_toml()
        what_is_said_beats_the_environment_beats_the_file(Path(folder))
        a_file_is_looked_for_where_it_belongs(Path(folder))
        what_is_wrong_is_told_with_its_place(Path(folder))


main()
