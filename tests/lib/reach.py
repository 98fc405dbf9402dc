"""reach.py - which functions of the code does each test execute? Asked of gcov, with a build of its own.

What a test does in a daemon that has locked itself in (seccomp, Landlock) is not seen: it cannot write its counts."""

import bisect
import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

AT_ONCE = 50  # files that one gcov reads


class Reach:
    """Filled test by test; reached() says which tests execute the function that has a line."""

    def __init__(self):
        self.starts = {}  # file -> first lines of its functions, in order
        self.tests = {}  # (file, first line) -> names of tests

    def add(self, test, name, functions):
        """functions: (first line, times executed) of a file."""
        starts = self.starts.setdefault(name, [])
        for start, times in functions:
            if start not in starts:
                bisect.insort(starts, start)
            if times:
                self.tests.setdefault((name, start), set()).add(test)

    def reached(self, name, line):
        starts = self.starts.get(str(name), [])
        at = bisect.bisect_right(starts, line)
        return self.tests.get((str(name), starts[at - 1]), set()) if at else set()


def functions_of(directory, counts, tree):
    """(file below tree, [(first line, times executed)]) of each file that was counted."""
    for at in range(0, len(counts), AT_ONCE):
        words = ["gcov", "--json-format", "--stdout", *map(str, counts[at : at + AT_ONCE])]
        done = subprocess.run(words, cwd=directory, capture_output=True, text=True, check=False)
        for line in done.stdout.splitlines():
            told = json.loads(line)
            for file in told["files"]:
                path = pathlib.Path(os.path.normpath(pathlib.Path(told["current_working_directory"], file["file"])))
                if path.is_relative_to(tree):
                    yield str(path.relative_to(tree)), [(f["start_line"], f["execution_count"]) for f in file["functions"]]


def counted(directory, build, wanted):
    """The counts of the wanted files that a test left in its directory."""
    found = [p for p in directory.rglob("*.c.gcda") if any(str(p).endswith(f"/{name}.gcda") for name in wanted)]
    for path in found:
        notes = build / path.relative_to(directory / build.relative_to("/")).with_suffix(".gcno")
        path.with_suffix(".gcno").symlink_to(notes)
    return found


def reach_of(tests, build, tree, wanted, jobs):
    """tests: those of the build, which was compiled with --coverage, as tests/mutate has them; wanted: files below tree.
    A test that fails in this build is taken to reach everything: returned beside."""
    reach, failed = Reach(), set()
    wanted = [str(name) for name in wanted]

    def play(test):
        directory = pathlib.Path(tempfile.mkdtemp(prefix="assay-reach-"))
        try:
            test.environment = test.environment | {"GCOV_PREFIX": str(directory)}
            if test.status():
                return test.name, None
            return test.name, list(functions_of(directory, counted(directory, build, wanted), tree))
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for name, files in pool.map(play, tests):
            if files is None:
                failed.add(name)
            for path, functions in files or []:
                reach.add(name, path, functions)
    return reach, failed
