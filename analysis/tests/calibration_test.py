"""Fitting a description of a device to measured times."""

import dataclasses

import numpy as np
import pytest
import yaml
from gainsweep_analysis import calibration
from gainsweep_analysis.__main__ import main
from gainsweep_analysis.archive import ArchiveError
from gainsweep_analysis.contents import Contest, Timing

HIGH, LOW, LAUNCH = 40e9, 90e9, 3e-6  # operations a second, s

DESCRIPTION = """\
schema: 1
device: bench
rates_tflops: {bf16: 0.1, int8: 0.2}
memory: {bandwidth_gb_s: 20}
vector_tflops: 0.01
tile: {rows: 16, columns: 16}
launch_us: {none: 5, graph: 1}
formats: {int8: int8}
assumed: [reached, launch_us]
sources: [a data sheet]
"""


def measured(archive, noise=0.0):
    """The archive with times of a device that is exactly as the model has it."""
    random = np.random.default_rng(3)
    timings = []
    whole = sum(calibration.operations(archive, op) for op in archive.ops) / HIGH
    whole += len(archive.ops) * LAUNCH
    for subgraph in {s.cls: s for s in reversed(archive.subgraphs)}.values():
        if len(subgraph.ops) > 1:
            continue
        members = sum(s.cls == subgraph.cls for s in archive.subgraphs)
        count = calibration.operations(archive, archive.ops[subgraph.ops[0]])
        saved = members * (count / HIGH - count / LOW - LAUNCH)
        blocks = whole * (1 + 0.1 * random.random(9))  # what slows a block slows both
        seconds = np.column_stack([blocks, blocks - saved * (1 + noise * random.normal(size=9))])
        timings.append(
            Timing(
                f"latency/class_{subgraph.cls}",
                subgraph.name,
                members,
                [("bf16",), ("int8",)],
                seconds,
                seconds[:, 0],
                (),
            )
        )
    contest = Contest(timings[0].table, "", timings[0].subgraph, whole, 9, 0.0, True, True)
    return dataclasses.replace(archive, timings=timings, contests=[contest])


def test_the_device_that_times_come_from_is_found_again(cases):
    found = measured(cases("whole").archive)
    description, fit = calibration.fitted(found, yaml.safe_load(DESCRIPTION))
    assert fit.rate["bf16"] == pytest.approx(HIGH, rel=1e-6)
    assert fit.rate["int8"] == pytest.approx(LOW, rel=1e-6)
    assert fit.launch == pytest.approx(LAUNCH, rel=1e-4)
    assert fit.residual < 1e-6
    assert description["reached"] == {"bf16": 0.4, "int8": 0.45}
    assert description["launch_us"] == {"none": 3.0, "graph": 0.6}
    assert description["assumed"] == ["launch_us"]
    assert description["sources"][1].startswith("fitted to times of")


def test_noise_of_a_tenth_moves_rates_by_less(cases):
    _, fit = calibration.fitted(
        measured(cases("whole").archive, noise=0.1), yaml.safe_load(DESCRIPTION)
    )
    assert fit.rate["bf16"] == pytest.approx(HIGH, rel=0.15)
    assert fit.rate["int8"] == pytest.approx(LOW, rel=0.3)
    assert fit.residual > 0


def test_what_cannot_be_fitted_is_refused(cases):
    description = yaml.safe_load(DESCRIPTION)
    found = measured(cases("whole").archive)
    slow = description | {"rates_tflops": {"bf16": 0.01, "int8": 0.2}}
    with pytest.raises(ArchiveError, match=r"more than the published 0\.01"):
        calibration.fitted(found, slow)
    with pytest.raises(ArchiveError, match="no rate for int8"):
        calibration.fitted(found, description | {"rates_tflops": {"bf16": 0.1}})
    one = dataclasses.replace(found, timings=found.timings[:1])
    with pytest.raises(ArchiveError, match="do not determine 3 numbers"):
        calibration.fitted(one, description)
    with pytest.raises(ArchiveError, match="no measured times of single linear layers"):
        calibration.fitted(cases("no_time").archive, description)


def test_the_command_refuses_a_file_that_is_no_description(cases, tmp_path, capsys):
    path = tmp_path / "device.yaml"
    path.write_text("schema: 1\ndevice: bench\n")
    command = ["calibrate", str(cases("whole").path), "--device", str(path)]
    assert main([*command, "--out", str(tmp_path / "fitted.yaml")]) == 2
    assert "it lacks rates_tflops, launch_us, sources" in capsys.readouterr().err
    assert not (tmp_path / "fitted.yaml").exists()
