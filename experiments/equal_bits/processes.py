"""Runs tools as processes of their own and says what they took."""

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path


def measured(command: Sequence[str | Path], log: Path, threads: int) -> dict[str, float]:
    """Wall and processor seconds of a command with its children, and the most memory of one of
    them. CalledProcessError, with the log's path, where it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "false"}
    started = time.perf_counter()
    with log.open("w") as output:
        process = subprocess.Popen(
            [str(part) for part in command], stdout=output, stderr=output, env=environment
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, [*map(str, command), f"see {log}"])
    return {
        "seconds": time.perf_counter() - started,
        "processor_seconds": used.ru_utime + used.ru_stime,
        "peak_bytes": used.ru_maxrss * 1024,
    }
