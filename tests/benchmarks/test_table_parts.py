from benchmarks.table_parts import provenance


def make_result(processor: str, commit: str, command: str) -> dict[str, object]:
    machine = {"cores": 2, "processor": processor}
    return {"machine": machine, "commit": commit, "command": command}


def test_a_table_names_all_machines_and_commits_and_how_many_commands() -> None:
    one = make_result("A", "b2", "run --seed 0")
    other = make_result("B", "a1", "run --seed 1")
    alone = "<sub>2 cores (A), commit b2, `run --seed 0`</sub>"
    assert provenance([one]) == provenance([one, one]) == alone
    assert provenance([one, other, other]) == (
        "<sub>2 cores (A), 2 cores (B), commit a1, b2, "
        "`run --seed 0` and 1 more like it</sub>"
    )
