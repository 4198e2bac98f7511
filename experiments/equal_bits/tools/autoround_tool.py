"""AutoRound: plans of AutoScheme, and the losses of any plan under its quantise-dequantise.

    autoround_tool.py plans TASK ANSWER
    autoround_tool.py losses TASK ANSWER

AutoRound itself calls `GenScheme` as is done here, after it has read a tokenizer and a data set,
which are not needed for token ids that are at hand: its loader is replaced by one of these.
"""

import os
import sys
import tempfile

os.environ["AR_AUTO_SCHEME_CACHE"] = tempfile.mkdtemp()  # scores of this run alone

import task as of_task
import torch
from auto_round.auto_scheme import delta_loss
from auto_round.auto_scheme.gen_auto_scheme import AutoScheme, GenScheme
from auto_round.schemes import QuantizationScheme, preset_name_to_scheme
from auto_round.wrapper import WrapperLinear
from task import HIGH

BATCH = 8  # AutoScheme's own


def integers(bits: int) -> QuantizationScheme:
    return QuantizationScheme(bits=bits, group_size=64, sym=True, data_type="int", act_bits=16)


SCHEMES = {
    "w4a16_g64": integers(4),
    "w8a16_g64": integers(8),
    "mxfp4": preset_name_to_scheme("MXFP4"),
    "nvfp4": preset_name_to_scheme("NVFP4"),
    "mxfp8_e4m3": preset_name_to_scheme("MXFP8"),
    HIGH: preset_name_to_scheme("BF16"),
}


def plans(task: dict, path: str) -> None:
    model = of_task.load_model(task)
    ids = torch.cat(of_task.calibration(task))
    batches = [{"input_ids": some} for some in ids.split(BATCH)]
    delta_loss.get_dataloader = lambda *_, **__: batches
    names = [*task["formats"], HIGH]
    modules = [module for group in task["groups"] for module in group]
    generator = GenScheme(
        AutoScheme(
            avg_bits=task["asked"],
            options=[SCHEMES[name] for name in names],
            shared_layers=[group for group in task["groups"] if len(group) > 1],
            nsamples=len(ids),
            seqlen=ids.shape[1],
            low_cpu_mem_usage=False,
        ),
        model,
        modules,
        {},
        device_map="cpu",
        tokenizer="none is needed",
    )
    found = {}
    for bits, chosen in generator.get_layer_config().items():
        found[str(bits)] = {
            module: next(name for name in names if SCHEMES[name] == scheme_of(chosen[module]))
            for module in modules
        }
    of_task.answer(path, plans=found)


def scheme_of(entry: dict) -> QuantizationScheme:
    return QuantizationScheme.from_dict(entry)


def quantise(layer: torch.nn.Module, scheme: QuantizationScheme) -> None:
    """Rounds a layer's weight once, and its input at each call where the scheme does."""
    for field, value in scheme.items():
        setattr(layer, field, value)
    weight_only = scheme.act_bits > 8
    layer.scale_dtype = torch.float16 if weight_only else torch.bfloat16  # as AutoScheme does
    wrapped = WrapperLinear(
        layer,
        enable_minmax_tuning=False,
        enable_norm_bias_tuning=False,
        device="cpu",
        enable_round_tuning=False,
        enable_torch_compile=False,
    )
    one = torch.tensor(1.0)
    with torch.no_grad():
        layer.weight.copy_(wrapped._qdq_weight(torch.tensor(0), one, one)[0])
    if not weight_only:
        layer.register_forward_pre_hook(lambda _, inputs: wrapped._qdq_act(inputs[0])[0])


def losses(task: dict, path: str) -> None:
    of_task.losses(task, path, lambda layer, name: quantise(layer, SCHEMES[name]))


if __name__ == "__main__":
    {"plans": plans, "losses": losses}[sys.argv[1]](of_task.read(sys.argv[2]), sys.argv[3])
