"""The rules of the source tree: who may include what, what nobody may call, how files begin.

Each rule is a function that takes the tree as {path: text} and yields what breaks it. Below every rule is run over
the project itself, and over small trees that break it, so that no rule can go blind.
"""

import os
import pathlib
import re
import subprocess
import warnings

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

PROCESS_FOLDERS = ("gateway", "herd-node", "places-worker", "deploy")
SOURCE_FOLDERS = ("common",) + PROCESS_FOLDERS

TOP_LEVEL = {"CMakeLists.txt", "README.md", "common", "deploy", "gateway", "herd-node", "places-worker", "tests"}

# NNG is known to these modules only, and what they share of it to nobody else.
NNG_MODULES = {"common/bus_link", "common/canary", "common/lane", "common/task_threads", "common/wire"}
NNG_SHARED_HEADER = "common/wire.h"

# Whom a foreign header belongs to. Whoever else needs what it offers asks one of these modules.
HEADER_OWNERS = {
    r"nng/.*": NNG_MODULES,
    r"msgpack.*": {"common/message_codec"},
    r"jansson\.h": {
        "common/json_reader", "common/topology", "places-worker/google", "places-worker/overpass",
    },
    r"microhttpd\.h": {"common/admin"},
    r"curl/.*": {"places-worker/http_fetch"},
    r"sqlite3\.h": {
        "places-worker/place_doubles", "places-worker/place_importer", "places-worker/place_store",
        "places-worker/place_writer", "places-worker/sql_statement",
    },
    r"uv\.h": {
        "gateway/alarm", "gateway/client_listener", "gateway/clients", "gateway/gateway", "gateway/main",
    },
    r"xxhash\.h": {"common/topology", "herd-node/report_table"},
    r"pthread\.h": {
        "common/admin", "common/bounded_call", "common/bus_link", "common/canary", "common/lane", "common/log",
        "common/mailbox", "common/signals", "places-worker/lookup_pool", "places-worker/provider_gate",
    },
    r"signal\.h": {"common/signals"},
    r"time\.h|sys/time\.h": {"common/admin", "common/bounded_call", "common/instant", "common/mailbox"},
    r"sys/random\.h": {"common/random"},
    r"stdatomic\.h": {"common/signals"},
    r"threads\.h": set(),
}

# Modules that compute and nothing else: no clock, socket, thread, log or file. They can be tested with plain values.
PURE_MODULES = {
    "common/buffer",
    "common/graph",
    "common/json_place",
    "common/json_writer",
    "common/location",
    "common/message",
    "common/message_codec",
    "common/metrics",
    "common/places_provider",
    "common/places_status",
    "common/random",
    "common/report",
    "common/slice",
    "common/status",
    "common/timestamp",
    "common/utf8",
    "places-worker/circle",
    "places-worker/degrees",
    "places-worker/fnv_digest",
    "places-worker/geojson_feature",
    "places-worker/geojson_shape",
    "places-worker/geonames_line",
    "places-worker/google",
    "places-worker/google_legacy",
    "places-worker/grid",
    "places-worker/import_place",
    "places-worker/import_report",
    "places-worker/import_stream",
    "places-worker/json_cursor",
    "places-worker/legacy_json",
    "places-worker/legacy_text",
    "places-worker/nearby_text",
    "places-worker/osm_place",
    "places-worker/osm_types",
    "places-worker/overpass",
    "places-worker/overpass_element",
    "places-worker/place",
    "places-worker/place_catalogue",
    "places-worker/place_curve",
    "places-worker/place_line",
    "places-worker/place_schema",
    "places-worker/place_worth",
    "places-worker/plus_code",
    "places-worker/provider_answer",
    "places-worker/ranking",
    "places-worker/record_splitter",
    "places-worker/url_escape",
}
PURE_SYSTEM_HEADERS = {
    "assert.h", "errno.h", "inttypes.h", "limits.h", "math.h", "stdarg.h", "stdbool.h", "stddef.h", "stdint.h",
    "stdio.h", "stdlib.h", "string.h",
}
STDIO_CALLS = "f?printf|dprintf|vf?printf|puts|fputs|putchar|fputc|fopen|fdopen|fread|fwrite|fgets|getline|perror"

# Calls that nobody makes, with what is used instead.
BANNED_CALLS = {
    "strcpy|strcat|strncpy|strncat|stpcpy": "a slice or a buffer",
    "sprintf|vsprintf": "snprintf or buffer_append_format",
    "gets|fgets|scanf|sscanf|fscanf|strtok|strtok_r": "slice_next_word and its friends",
    "atoi|atol|atoll|atof|strtol|strtoll|strtoul|strtoull": "slice_parse_number",
    "strtod|strtof": "location_parse, timestamp_parse: these do not depend on a locale",
    "isspace|isdigit|isalpha|isalnum|toupper|tolower": "slice_is_space, slice_is_digit: these do not depend on a locale",
    "rand|srand|random|srandom|rand_r|drand48": "random.h, which can be replayed",
    "time|gettimeofday|localtime|gmtime|localtime_r|ctime|asctime|clock": "instant.h",
    "setlocale": "bytes are bytes",
    "system|popen": "nothing: no process starts another",
    "fork|vfork": "nothing: NNG does not survive it",
    "alloca": "a buffer",
    "sleep|usleep|nanosleep": "a deadline of the loop",
    "signal": "signals.h",
}


# ---- Reading C ----

def is_c(path):
    return path.endswith((".c", ".h"))


def folder_of(path):
    return path.split("/", 1)[0]


def module_of(path):
    """common/lane.c and common/lane.h are the module common/lane."""
    return path.rsplit(".", 1)[0]


def code_of(text):
    """The text without comments, and with empty strings and characters."""
    def replacement(match):
        token = match.group(0)
        if token.startswith("/"):
            return " "
        return token[0] + token[-1]

    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', replacement, text, flags=re.S)


def includes_of(text):
    """Pairs (is system header, name)."""
    for match in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*(?:<([^>]+)>|"([^"]+)")', text, flags=re.M):
        yield (match.group(1) is not None, match.group(1) or match.group(2))


def sources(tree, folders=SOURCE_FOLDERS):
    for path, text in sorted(tree.items()):
        if is_c(path) and folder_of(path) in folders:
            yield path, text


def module_graph(tree):
    """{module: modules it includes}, of common and the processes."""
    graph = {}
    for path, text in sources(tree):
        uses = graph.setdefault(module_of(path), set())
        uses.update(module_of(name) for is_system, name in includes_of(text) if not is_system)
    for module, uses in graph.items():
        uses.discard(module)
    return graph


def cmake_dependencies(tree):
    """{target: what it names}, from the herd_module and herd_program lines of the source folders."""
    named = {}
    for folder in SOURCE_FOLDERS:
        text = re.sub(r"#[^\n]*", "", tree.get(f"{folder}/CMakeLists.txt", ""))
        for match in re.finditer(r"herd_(module|program)\(([^)]*)\)", text):
            words = match.group(2).split()
            source = words[0] if match.group(1) == "module" else words[1].removesuffix(".c")
            named[f"{folder}/{source}"] = set(words[1:])
    return named


# ---- The rules ----

def foreign_headers_stay_with_their_owner(tree):
    for path, text in sources(tree):
        for is_system, name in includes_of(text):
            for pattern, owners in HEADER_OWNERS.items():
                if is_system and re.fullmatch(pattern, name) and module_of(path) not in owners:
                    yield f"{path} includes <{name}>, which belongs to {', '.join(sorted(owners)) or 'nobody'}"


def foreign_headers_stay_out_of_headers(tree):
    for path, text in sources(tree):
        for is_system, name in includes_of(text):
            if path.endswith(".h") and path != NNG_SHARED_HEADER and is_system and not re.fullmatch(r"(assert|inttypes|limits|string|std[a-z]+)\.h", name):
                yield f"{path} includes <{name}>: a header declares our own types only"


def nng_stays_with_its_modules(tree):
    for path, text in sources(tree):
        if (False, NNG_SHARED_HEADER) in includes_of(text) and module_of(path) not in NNG_MODULES:
            yield f"{path} includes {NNG_SHARED_HEADER}, which only {', '.join(sorted(NNG_MODULES))} may"


def processes_share_common_only(tree):
    for path, text in sources(tree):
        allowed = {"common", folder_of(path)}
        for is_system, name in includes_of(text):
            if not is_system and ("/" not in name or folder_of(name) not in allowed):
                yield f'{path} includes "{name}": by its path from the root, from {" or ".join(sorted(allowed))}'


def pure_modules_compute_and_nothing_else(tree):
    for path, text in sources(tree):
        if module_of(path) not in PURE_MODULES:
            continue
        for is_system, name in includes_of(text):
            owned = any(
                re.fullmatch(pattern, name) and module_of(path) in owners for pattern, owners in HEADER_OWNERS.items()
            )
            if is_system and name not in PURE_SYSTEM_HEADERS and not owned:
                yield f"{path} is pure and includes <{name}>"
            if not is_system and module_of(name) not in PURE_MODULES:
                yield f'{path} is pure and includes "{name}", which is not'
        for call in re.findall(rf"(?<![\w.>])({STDIO_CALLS})\s*\(", code_of(text)):
            yield f"{path} is pure and calls {call}"


def pure_modules_exist(tree):
    present = {module_of(path) for path, _ in sources(tree)}
    for module in sorted(PURE_MODULES):
        if folder_of(module) + "/CMakeLists.txt" in tree and module not in present:
            yield f"{module} is named as pure and does not exist"


def nobody_makes_banned_calls(tree):
    for path, text in sources(tree):
        code = code_of(text)
        for names, instead in BANNED_CALLS.items():
            for match in re.finditer(rf"(?<![\w.>])({names})\s*\(", code):
                yield f"{path} calls {match.group(1)}; instead: {instead}"


def includes_have_no_circle(tree):
    graph = module_graph(tree)
    state = {}

    def visit(module, trail):
        if state.get(module) == "done":
            return
        if module in trail:
            yield "circle: " + " -> ".join(trail[trail.index(module):] + [module])
            return
        for used in sorted(graph.get(module, ())):
            yield from visit(used, trail + [module])
        state[module] = "done"

    for module in sorted(graph):
        yield from visit(module, [])


def modules_name_what_they_include(tree):
    """A module includes only what its line in CMakeLists.txt names, directly or through what that names."""
    named = cmake_dependencies(tree)
    by_target = {module.split("/")[1]: module for module in named if not module.endswith("/main")}

    def reach(module, seen):
        for word in named.get(module, ()):
            used = by_target.get(word)
            if used and used not in seen:
                seen.add(used)
                reach(used, seen)
        return seen

    for module, uses in sorted(module_graph(tree).items()):
        if module not in named:
            continue
        for used in sorted(uses & set(named)):
            if used not in reach(module, set()):
                yield f"{module} includes {used}, which its line in CMakeLists.txt does not name"


def common_stands_on_floors(tree):
    """The map of common/README.md: every module is on it, and includes nothing from a higher floor."""
    floors = {}
    for floor, names in re.findall(r"^\| (\d+) \| ([^|]+) \|", tree.get("common/README.md", ""), flags=re.M):
        floors.update({f"common/{name}": int(floor) for name in re.findall(r"`(\w+)`", names)})
    graph = {module: uses for module, uses in module_graph(tree).items() if module.startswith("common/")}
    for module in sorted(graph.keys() - floors.keys()):
        yield f"{module} is on no floor of common/README.md"
    for module in sorted(floors.keys() - graph.keys()):
        yield f"{module} has a floor in common/README.md and does not exist"
    for module, uses in sorted(graph.items()):
        for used in sorted(uses & floors.keys()):
            if floors.get(module, 0) < floors[used]:
                yield f"{module} includes {used}, which is on a higher floor"


def every_source_is_listed(tree):
    for path, _ in sources(tree, SOURCE_FOLDERS + ("tests",)):
        if not path.endswith(".c"):
            continue
        folder, name = path.rsplit("/", 1)
        listing = tree.get(f"{folder}/CMakeLists.txt", "")
        if not re.search(rf"(?<![\w-]){re.escape(name[:-2])}(\.c)?(?![\w-])", listing):
            yield f"{path} is named in no CMakeLists.txt of its folder"


def every_file_says_its_purpose_first(tree):
    for path, text in sorted(tree.items()):
        if is_c(path):
            if not re.match(r"/\*|//", text):
                yield f"{path} does not begin with a comment"
            elif re.match(r"\W*(copyright|licen[cs]e|spdx)", text, flags=re.I):
                yield f"{path} begins with a licence, not with its purpose"
        elif path.endswith(".py"):
            if not re.match(r'(#![^\n]*\n)?"""\S', text):
                yield f"{path} does not begin with a docstring"
        elif path.endswith("CMakeLists.txt"):
            if not text.startswith("# "):
                yield f"{path} does not begin with a comment"
        elif text.startswith("#!") and not re.match(r'#![^\n]*\n(# \S|exec |"""\S)', text):
            yield f"{path} does not begin with a comment"


def guards_are_named_after_their_file(tree):
    for path, text in sources(tree, SOURCE_FOLDERS + ("tests",)):
        guard = re.sub(r"\W", "_", path).upper()
        guards = {guard, guard.removeprefix("TESTS_")}
        if path.endswith(".h") and not any(f"#ifndef {one}\n#define {one}\n" in text for one in guards):
            yield f"{path} has no guard {guard}"


def work_left_is_not_in_comments(tree):
    words = "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"))
    for path, text in sorted(tree.items()):
        if match := re.search(rf"\b({words})\b", text):
            yield f"{path} says {match.group(1)}: an issue instead"


def no_test_skips(tree):
    words = r"\bskip\s*\(\s*\)|pytest\s*\.\s*(skip|importorskip|mark\.(skip|skipif|xfail))\b|\bunittest\.skip"
    for path, text in sorted(tree.items()):
        if path.startswith("tests/") and path.endswith((".c", ".py")) and re.search(words, code_of(text)):
            yield f"{path} skips a test: what is missing is installed, or a failure"


def top_level_is_fixed(tree):
    for path in sorted({path.split("/")[0] for path in tree}):
        if path not in TOP_LEVEL and not path.startswith("."):
            yield f"{path} is at the top level, which holds only {', '.join(sorted(TOP_LEVEL))} and dot files"


RULES = [
    foreign_headers_stay_with_their_owner,
    foreign_headers_stay_out_of_headers,
    nng_stays_with_its_modules,
    processes_share_common_only,
    pure_modules_compute_and_nothing_else,
    pure_modules_exist,
    nobody_makes_banned_calls,
    includes_have_no_circle,
    modules_name_what_they_include,
    common_stands_on_floors,
    every_source_is_listed,
    every_file_says_its_purpose_first,
    guards_are_named_after_their_file,
    work_left_is_not_in_comments,
    no_test_skips,
    top_level_is_fixed,
]


def read_tree(root):
    """{path: text} of the project: what is not ignored by git, whether or not it is added yet."""
    tree = {}
    ignored = {"build", "run", ".git", "__pycache__", ".pytest_cache"}
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - ignored)
        for name in names:
            path = pathlib.Path(folder, name)
            if path.is_file() and path.name != ".git":
                tree[path.relative_to(root).as_posix()] = path.read_bytes().decode("utf-8", errors="replace")
    return tree


@pytest.fixture(scope="module")
def project():
    tree = read_tree(ROOT)
    assert "CMakeLists.txt" in tree and sum(map(is_c, tree)) > 20, "the project was not found"
    return tree


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_project_keeps_the_rule(rule, project):
    broken = list(rule(project))
    assert not broken, "\n" + "\n".join(broken)


# ---- Each rule catches what it is there for ----

PURPOSE = "/* Adds numbers. */\n"


def header(path, body=""):
    guard = re.sub(r"\W", "_", path).upper()
    return f"{PURPOSE}#ifndef {guard}\n#define {guard}\n{body}\n#endif\n"


SOUND = {
    "CMakeLists.txt": "# The project.\n",
    "common/README.md": "| floor | module |\n|---|---|\n| 1 | `slice` | bytes |\n| 2 | `lane` | NNG |\n",
    "common/CMakeLists.txt": "# Modules.\nherd_module(slice)\nherd_module(lane slice nng::nng)\n",
    "common/slice.h": header("common/slice.h", "#include <stddef.h>"),
    "common/slice.c": PURPOSE + '#include "common/slice.h"\n/* not time(NULL) */ char *words = "rand()";\n',
    "common/lane.h": header("common/lane.h", '#include "common/slice.h"'),
    "common/lane.c": PURPOSE + '#include "common/lane.h"\n#include <nng/nng.h>\nint a = lane.time(3);\n',
    "gateway/CMakeLists.txt": "# Modules.\nherd_module(session lane)\nherd_program(gateway main.c session)\n",
    "gateway/session.h": header("gateway/session.h"),
    "gateway/session.c": PURPOSE + '#include "gateway/session.h"\n#include "common/lane.h"\n',
    "gateway/main.c": PURPOSE + '#include "gateway/session.h"\n#include <uv.h>\n',
    "tests/e2e/test_it.py": '"""Tests it."""\n',
    "tests/run": "#!/bin/bash\n# Runs it.\n",
}


def test_a_sound_tree_keeps_every_rule(monkeypatch):
    monkeypatch.setattr("test_boundaries.PURE_MODULES", {"common/slice"})

    assert [broken for rule in RULES for broken in rule(SOUND)] == []


BROKEN = [
    (foreign_headers_stay_with_their_owner, {"common/slice.c": PURPOSE + "#include <nng/nng.h>\n"}),
    (foreign_headers_stay_with_their_owner, {"gateway/session.c": PURPOSE + "#  include  <pthread.h>\n"}),
    (foreign_headers_stay_with_their_owner, {"common/lane.c": PURPOSE + "#include <time.h>\n"}),
    (foreign_headers_stay_out_of_headers, {"common/lane.h": header("common/lane.h", "#include <nng/nng.h>")}),
    (nng_stays_with_its_modules, {"gateway/session.c": PURPOSE + '#include "common/wire.h"\n'}),
    (processes_share_common_only, {"gateway/session.c": PURPOSE + '#include "herd-node/node.h"\n'}),
    (processes_share_common_only, {"common/slice.c": PURPOSE + '#include "gateway/session.h"\n'}),
    (processes_share_common_only, {"common/slice.c": PURPOSE + '#include "tests/support/fault.h"\n'}),
    (processes_share_common_only, {"common/slice.c": PURPOSE + '#include "slice.h"\n'}),
    (pure_modules_compute_and_nothing_else, {"common/slice.c": PURPOSE + "#include <unistd.h>\n"}),
    (pure_modules_compute_and_nothing_else, {"common/slice.c": PURPOSE + '#include "common/log.h"\n'}),
    (pure_modules_compute_and_nothing_else, {"common/slice.c": PURPOSE + 'int x = printf("x");\n'}),
    (pure_modules_exist, {"common/status.h": None, "common/status.c": None}),
    (nobody_makes_banned_calls, {"common/slice.c": PURPOSE + "int x = atoi(text);\n"}),
    (nobody_makes_banned_calls, {"gateway/main.c": PURPOSE + "long x = time (NULL);\n"}),
    (nobody_makes_banned_calls, {"common/slice.c": PURPOSE + "void f(void) { strcpy(a, b); }\n"}),
    (includes_have_no_circle, {"common/slice.c": PURPOSE + '#include "common/lane.h"\n'}),
    (modules_name_what_they_include, {"common/CMakeLists.txt": "# M.\nherd_module(slice)\nherd_module(lane)\n"}),
    (modules_name_what_they_include, {"gateway/CMakeLists.txt": "# M.\nherd_module(session)\n"}),
    (common_stands_on_floors, {"common/README.md": SOUND["common/README.md"].replace("| 1 |", "| 3 |")}),
    (common_stands_on_floors, {"common/README.md": SOUND["common/README.md"].replace("`lane`", "`lanes`")}),
    (every_source_is_listed, {"common/orphan.c": PURPOSE}),
    (every_source_is_listed, {"tests/unit/common/orphan_test.c": PURPOSE}),
    (every_file_says_its_purpose_first, {"common/slice.c": '#include "common/slice.h"\n'}),
    (every_file_says_its_purpose_first, {"common/slice.c": "/* Copyright by us */\n"}),
    (every_file_says_its_purpose_first, {"tests/e2e/test_it.py": "import os\n"}),
    (every_file_says_its_purpose_first, {"tests/run": "#!/bin/bash\nset -e\n"}),
    (every_file_says_its_purpose_first, {"common/CMakeLists.txt": "herd_module(slice)\n"}),
    (guards_are_named_after_their_file, {"common/slice.h": header("common/slices.h")}),
    (work_left_is_not_in_comments, {"README.md": "# Herd\n" + "TO" + "DO: all of it\n"}),
    (no_test_skips, {"tests/unit/common/slice_test.c": PURPOSE + "void f(void) { skip (); }\n"}),
    (no_test_skips, {"tests/e2e/test_it.py": '"""Tests it."""\n@pytest' + ".mark.skipif(1)\n"}),
    (top_level_is_fixed, {"docs/README.md": "# More\n"}),
    (top_level_is_fixed, {"notes.txt": "notes\n"}),
]


@pytest.mark.parametrize("rule, changes", BROKEN, ids=[f"{rule.__name__}-{index}" for index, (rule, _) in enumerate(BROKEN)])
def test_a_broken_tree_is_caught(rule, changes, monkeypatch):
    monkeypatch.setattr("test_boundaries.PURE_MODULES", {"common/slice"} | ({"common/status"} if rule is pure_modules_exist else set()))
    tree = {path: text for path, text in {**SOUND, **changes}.items() if text is not None}

    assert list(rule(tree)), "the rule did not notice"


def test_every_rule_is_shown_to_catch_something():
    assert {rule for rule, _ in BROKEN} == set(RULES)


# ---- Formatting ----

def formatter():
    """clang-format 14, or None where tests/run has said that this system has none."""
    name = os.environ.get("HERD_FORMATTER", "clang-format-14")
    return None if name == "none" else name


def misformatted(paths):
    command = [formatter(), "--dry-run", "-Werror", "--style=file:" + str(ROOT / ".clang-format"), *map(str, paths)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stderr if result.returncode else ""


def test_c_files_are_formatted(project):
    if formatter() is None:
        warnings.warn("formatting was not checked: there is no clang-format 14 here", stacklevel=1)
        return
    paths = [ROOT / path for path in project if is_c(path)]

    complaints = misformatted(paths)

    assert complaints == "", "run clang-format-14 -i on these:\n" + complaints


def test_wrong_formatting_is_caught(tmp_path):
    if formatter() is None:
        warnings.warn("formatting was not checked: there is no clang-format 14 here", stacklevel=1)
        return
    (tmp_path / "wrong.c").write_text("int  a ;\n")

    assert "wrong.c" in misformatted([tmp_path / "wrong.c"])
