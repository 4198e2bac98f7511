"""Exported programs: what is written, and what is refused. Read by zipfile and json."""

import json
import sys
import zipfile

import numpy as np
import pytest
from gainsweep_analysis.__main__ import main

torch = pytest.importorskip("torch")

MODULE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(inplace=True))
        self.head, self.tied = nn.Linear(2, 2), nn.Linear(2, 2)
        self.tied.weight = self.head.weight
        self.register_buffer("shift", torch.arange(2.0), persistent=False)

    def forward(self, image, scale):
        x = self.body(image).mean((2, 3))
        return self.tied(self.head(x)) * scale.reshape(-1, 1) + self.shift

class Counts(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(2))

    def forward(self, x):
        self.seen.add_(1)
        return x + self.seen

class Drops(nn.Module):
    def forward(self, x):
        return nn.functional.dropout(x, 0.5, training=True)

class Branches(nn.Module):
    def forward(self, x):
        return torch.cond(x.sum() > 0, lambda y: y + 1, lambda y: y - 1, (x,))

class Expands(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("row", torch.ones(1, 2).expand(5, 2))

    def forward(self, x):
        return x + self.row.sum(0)

class Fixed(nn.Module):
    def forward(self, x):
        return x.reshape(2, -1) if x.shape[0] == 2 else x

class Wrapped(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2).as_subclass(Subclass))

    def forward(self, x):
        return x * self.weight

class Subclass(torch.Tensor):
    pass

def net():
    torch.manual_seed(0)
    return Net()

number = 3
"""
INPUTS = ("--input", "image=1,5,5", "--input", "scale=:float32")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "made_net.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("made_net", None)


def run(*options):
    return main(["export-model", *map(str, options)])


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}


def program_of(path):
    return json.loads(members(path)["models/model.json"])


@pytest.mark.parametrize("functional", [(), ("--functional",)])
def test_a_function_is_exported_with_a_dynamic_batch(folder, functional, capsys):
    assert run("made_net:net", *INPUTS, "--out", "net.pt2", "--most", 64, *functional) == 0
    written = program_of("net.pt2")
    nodes = len(written["graph_module"]["graph"]["nodes"])
    assert f"net.pt2: {nodes} nodes, 32 parameters in 7 tensors" in capsys.readouterr().out
    assert written["verifiers"] == ["ATEN" if functional else "TRAINING"]
    (symbol,) = written["range_constraints"]
    assert written["range_constraints"][symbol] == {"min_val": 1, "max_val": 64}
    targets = [node["target"] for node in written["graph_module"]["graph"]["nodes"]]
    assert "torch.ops.aten.conv2d.default" in targets
    assert ("torch.ops.aten.relu_.default" in targets) == (not functional)
    specs = written["graph_module"]["signature"]["input_specs"]
    assert [s["user_input"]["arg"]["as_tensor"]["name"] for s in specs if "user_input" in s] == [
        "image",
        "scale",
    ]


def test_it_computes_what_the_module_does(folder):
    assert run("made_net:net", *INPUTS, "--out", "net.pt2") == 0
    import made_net

    model = made_net.net().eval()
    image, scale = torch.randn(3, 1, 5, 5), torch.randn(3)
    found = torch.export.load("net.pt2").module()(image=image, scale=scale)
    torch.testing.assert_close(found, model(image, scale), rtol=0, atol=0)
    config = json.loads(members("net.pt2")["data/weights/model_weights_config.json"])["config"]
    assert config["head.weight"]["path_name"] == config["tied.weight"]["path_name"]
    stored = members("net.pt2")["data/weights/" + config["head.weight"]["path_name"]]
    assert stored == np.asarray(model.head.weight.detach()).tobytes()


def test_the_file_has_no_path_of_this_machine(folder):
    assert run("made_net:net", *INPUTS, "--out", "net.pt2") == 0
    assert str(folder).encode() not in (folder / "net.pt2").read_bytes()
    assert all(
        "stack_trace" not in node["metadata"]
        for node in program_of("net.pt2")["graph_module"]["graph"]["nodes"]
    )
    assert len(members("net.pt2")["data/sample_inputs/model.pt"]) < 4000
    assert sorted(path.name for path in folder.glob("net*")) == ["net.pt2"]


def test_a_saved_module_is_the_same(folder, monkeypatch):
    monkeypatch.syspath_prepend(str(folder))
    import made_net

    torch.save(made_net.net(), "net.pt")
    assert run("net.pt", *INPUTS, "--out", "of_file.pt2") == 0
    assert run("made_net:net", *INPUTS, "--out", "of_function.pt2") == 0
    of_file, of_function = members("of_file.pt2"), members("of_function.pt2")
    same = [name for name in of_file if name.startswith("data/weights/")]
    assert same and all(of_file[name] == of_function[name] for name in same)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("Counts", (), "writes into b_seen, an input, a weight or a buffer"),
        ("Counts", ("--functional",), "seen: changed by the forward pass (BUFFER_MUTATION)"),
        ("Drops", (), "in training mode in spite of model.eval()"),
        ("Branches", (), "control flow (torch.cond, map, while_loop), which is not read"),
        ("Expands", (), "row: expanded, with 10 elements in a storage of 2"),
        ("Wrapped", (), "weight: a Subclass, which would be pickled"),
        ("Fixed", (), "torch.export.export fails: "),
        ("number", (), "made_net:number: a int, no torch.nn.Module"),
        ("nothing", (), "has no attribute 'nothing'"),
    ],
)
def test_what_would_not_be_read_is_refused(folder, capsys, name, options, message):
    assert run("made_net:" + name, "--input", "x=2", "--out", "x.pt2", *options) == 2
    assert message in capsys.readouterr().err
    assert not (folder / "x.pt2").exists()


def test_wrong_options_are_refused(folder, capsys):
    (folder / "there.pt2").write_bytes(b"")
    torch.save({"weight": torch.ones(2)}, "state.pt")
    for options, message in (
        (("made_net:net", *INPUTS, "--out", "net.zip"), "End it with .pt2"),
        (("made_net:net", *INPUTS, "--out", "there.pt2"), "is there already"),
        (("made_net:net", *INPUTS, *INPUTS, "--out", "a.pt2"), "names an argument twice"),
        (("made_net:net", "--input", "y=2", "--out", "a.pt2"), "torch.export.export fails"),
        (("state.pt", *INPUTS, "--out", "a.pt2"), "not its state_dict"),
        (("nowhere", *INPUTS, "--out", "a.pt2"), "neither a file nor package.module:function"),
        (("made_net:net", *INPUTS, "--most", 1, "--out", "a.pt2"), "no batch that varies"),
    ):
        assert run(*options) == 2
        assert message in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run("made_net:net", "--input", "x=3:complex64", "--out", "a.pt2")
    assert "'complex64' is none of" in capsys.readouterr().err


def test_without_pytorch_it_says_so(folder, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert run("made_net:net", *INPUTS, "--out", "net.pt2") == 2
    assert "export-model needs PyTorch" in capsys.readouterr().err
