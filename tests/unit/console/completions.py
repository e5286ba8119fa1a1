#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""completions.py ROUSE PROGRAM: what shells complete is what the program takes; names of programs are never obeyed.

PROGRAM is one that runs on rouse for a while. zsh and fish are asked where they are installed.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUSE, PROGRAM = sys.argv[1:]
ENV = {**os.environ, "LC_ALL": "C.UTF-8", "PATH": f"{Path(ROUSE).parent}:{os.environ['PATH']}"}


def rouse(*words):
    return subprocess.run([ROUSE, *words], env=ENV, capture_output=True, text=True, timeout=30)


def verbs():
    text = rouse("help").stdout
    names = re.findall(r"^  ([a-z]+) ", text.split("Verbs:")[1].split("Exit status")[0], re.M)
    assert len(names) > 10, text
    return names


def options_in_help(*words):
    text = rouse(*words, "--help").stdout
    text = re.split(r"^Exit(?: status)?:", text, flags=re.M)[0]
    return set(re.findall(r"^\s+(?:-\w, )?(--[a-z][a-z-]*)", text, re.M))


def bash(script, *words, command="rouse", folder="."):
    """COMPREPLY where the cursor stands at the end of the last word."""
    line = (f"source {script}; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _rouse {command}; "
            "printf '%s\\n' \"${COMPREPLY[@]}\"")
    run = subprocess.run(["bash", "--norc", "-c", line, "bash", *words], env=ENV, capture_output=True, text=True, timeout=30,
                         cwd=folder, check=True)
    assert run.stderr == "", run.stderr
    return [word for word in run.stdout.splitlines() if word]


def each_verb_completes_what_its_help_says(script):
    names = verbs()
    assert set(names) <= set(bash(script, "rouse", ""))
    assert "config" in bash(script, "rouse", "con")
    for name in names:
        said = {word for word in bash(script, "rouse", name, "--") if word.startswith("--")}
        if name == "probe":
            continue
        assert said == options_in_help(name), (name, said ^ options_in_help(name))
    top = {word for word in bash(script, "rouse", "--")}
    assert top == {"--kernel", "--theme"} | top and "--looks" not in top, top


def the_modes_of_probe_are_as_they_say(script):
    if "--events" not in rouse("probe", "--help").stdout:
        print("this rouse has no probe: its options were not compared")
        return
    said = {word for word in bash(script, "rouse", "probe", "--") if word.startswith("--")}
    modes = {"--events", "--sched", "--syscalls", "--blocks", "--faults", "--profile"}
    in_help = set()
    for mode in modes:
        in_help |= options_in_help("probe", mode)
    assert said - {"--help"} == (in_help | modes) - {"--help"}, said ^ (in_help | modes)


def words_of_values_are_those_that_are_taken(script):
    checked = 0
    for name in verbs():
        if name == "probe":
            continue
        for option in sorted(options_in_help(name)):
            for word in bash(script, "rouse", name, option, ""):
                if option in ("--config", "--frames") or Path(word).exists():
                    continue
                run = rouse(name, option, word, "--help")
                assert run.returncode == 0, (name, option, word, run.stderr)
                checked += 1
        if checked > 40:
            break
    assert checked > 10
    assert bash(script, "rouse", "ps", "--source", "m") == ["memory"]
    assert "light" in bash(script, "rouse", "x", "--theme", "")
    assert set(bash(script, "rouse", "completions", "")) == {"bash", "zsh", "fish"}
    assert "rouse-config" in bash(script, "rouse", "man", "")


def hostile_names_are_not_obeyed(script, folder):
    fake = folder / "fake"
    fake.write_text("#!/bin/sh\nprintf '%s\\t%s\\n' '$(touch obeyed)' x '`touch obeyed`' y plain z 'two words' w\n")
    fake.chmod(0o755)
    words = bash(script, str(fake), "ps", "", command=str(fake), folder=folder)
    assert set(words) == {"$(touch obeyed)", "`touch obeyed`", "plain", "two words"}, words
    assert not (folder / "obeyed").exists()


def running_programs_are_targets(script, folder):
    hostile = folder / "$(reboot)"
    plain = folder / "plain-name"
    shutil.copy(PROGRAM, hostile)
    shutil.copy(PROGRAM, plain)
    library = {**ENV, "LD_LIBRARY_PATH": os.environ["ROUSE_BUILD_ROOT"], "ROUSE_LISTEN": "0"}
    running = [subprocess.Popen([path, "30"], env=library, stdout=subprocess.DEVNULL) for path in (hostile, plain)]
    try:
        deadline = time.monotonic() + 20
        while True:
            told = rouse("completions", "targets").stdout
            if all(f"{p.pid}\t" in told for p in running):
                break
            assert time.monotonic() < deadline, told
        assert "$(reboot)" not in told and f"{running[0].pid}\ta program\n" in told, told
        assert f"plain-name\tprocess {running[1].pid}\n" in told, told
        for words in (["rouse", "ps", "plain"], ["rouse", "why", "--json", "plain"], ["rouse", "plain"]):
            assert "plain-name" in bash(script, *words), words
        assert "plain-name" not in bash(script, "rouse", "why", "plain-name", "plain")
        if shutil.which("fish"):
            assert "plain-name" in fish(folder, "rouse ps plain")
    finally:
        for program in running:
            program.kill()
            program.wait()


def fish(folder, line):
    script = folder / "rouse.fish"
    script.write_text(rouse("completions", "fish").stdout)
    env = {**ENV, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    run = subprocess.run(["fish", "--no-config", "-c", f"source {script}; complete -C '{line}'"], env=env, capture_output=True,
                         text=True, timeout=60, check=True)
    return [text.split("\t")[0] for text in run.stdout.splitlines()]


def other_shells_understand_theirs(folder):
    if shutil.which("fish"):
        for name in ("ps", "check", "top"):
            said = {word for word in fish(folder, f"rouse {name} --") if word.startswith("--")}
            assert said == options_in_help(name), (name, said ^ options_in_help(name))
        assert set(verbs()) <= set(fish(folder, "rouse "))
        assert "memory" in fish(folder, "rouse ps --source ")
    else:
        print("fish is not installed: not asked")
    if not shutil.which("zsh"):
        print("zsh is not installed: not asked")
        return
    script = folder / "_rouse"
    script.write_text(rouse("completions", "zsh").stdout)
    subprocess.run(["zsh", "-n", str(script)], check=True, timeout=30)
    # compsys itself, asked by what its functions would be called with.
    probe = ("_arguments() { print -rl -- \"$@\" }; _describe() { : }; "
             f"words=(rouse check --); CURRENT=3; source {script}")
    run = subprocess.run(["zsh", "-f", "-c", probe], env=ENV, capture_output=True, text=True, timeout=30, check=True)
    said = set(re.findall(r"^(--[a-z-]+)=?\[", run.stdout, re.M))
    assert said == options_in_help("check"), said ^ options_in_help("check")


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        script = folder / "rouse.bash"
        script.write_text(rouse("completions", "bash").stdout)
        subprocess.run(["bash", "-n", str(script)], check=True, timeout=30)
        each_verb_completes_what_its_help_says(script)
        the_modes_of_probe_are_as_they_say(script)
        words_of_values_are_those_that_are_taken(script)
        hostile_names_are_not_obeyed(script, folder)
        running_programs_are_targets(script, folder)
        other_shells_understand_theirs(folder)
    assert rouse("completions", "tcsh").returncode == 2


main()
