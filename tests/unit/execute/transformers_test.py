"""Compares loss, log-likelihoods, logits and gradients of print_logits with transformers.

transformers_test.py PRINT_LOGITS FOLDER...: on every checkpoint below the folders, and on tiny
random models of every family with every option. Exits with 77 (skipped) where modules are absent.
"""

import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile

try:
    import numpy
    import torch
    import transformers
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

LENGTH = 64
TOLERANCES = {"fp64": 1e-10, "fp32": 2e-5}

TINY = {
    "vocab_size": 96,
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": LENGTH,
    "tie_word_embeddings": False,
    "rms_norm_eps": 1e-5,
}
LLAMA3 = {"low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 32}

NULL = "null"  # None leaves a key out

#: What families with other keys than TINY's have in its place.
OTHERS = {
    "phi3": {
        **{key: TINY[key] for key in TINY if key != "head_dim"},
        "hidden_size": 64,
        "pad_token_id": 0,
    },
    "gpt2": {
        "vocab_size": 96,
        "n_embd": 48,
        "n_layer": 2,
        "n_head": 4,
        "n_positions": LENGTH,
    },
    "opt": {
        "vocab_size": 96,
        "hidden_size": 48,
        "ffn_dim": 80,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": LENGTH,
    },
}
LONGROPE = {
    "type": "longrope",
    "short_factor": [1.0 + 0.1 * i for i in range(6)],
    "long_factor": [1.5 + 0.7 * i for i in range(6)],
}

#: Keys unlike TINY's; of `rope_scaling` in both spellings and, of old files, under `type`.
MODELS = {
    "llama": {},
    "llama with biases": {"attention_bias": True, "mlp_bias": True},
    "llama without a length": {"max_position_embeddings": None},
    "llama linear": {"rope_scaling": {"type": "linear", "factor": 3.0}},
    "llama linear 1": {"rope_scaling": {"type": "linear", "factor": 1.0}},
    "llama dynamic": {"rope_scaling": {"type": "dynamic", "factor": 2.0}},
    "llama dynamic, longer than it was made for": {
        "rope_scaling": {"rope_type": "dynamic", "factor": 4.0},
        "max_position_embeddings": 24,
    },
    "llama llama3": {"rope_parameters": {"rope_type": "llama3", "factor": 8.0, **LLAMA3}},
    "llama yarn": {
        "rope_parameters": {
            "rope_type": "yarn",
            "rope_theta": 500.0,
            "factor": 4.0,
            "original_max_position_embeddings": 16,
        }
    },
    "llama yarn, all options": {
        "rope_theta": 200.0,
        "rope_scaling": {
            "rope_type": "yarn",
            "factor": 8.0,
            "original_max_position_embeddings": 32,
            "beta_fast": 4.0,
            "beta_slow": 0.5,
            "mscale": 0.7,
            "mscale_all_dim": 1.4,
            "truncate": False,
        },
    },
    "llama yarn with its own attention factor": {
        "rope_scaling": {
            "type": "yarn",
            "factor": 2.0,
            "original_max_position_embeddings": 32,
            "attention_factor": 1.3,
        }
    },
    "mistral": {},
    "mistral with a window": {"sliding_window": 9},
    "mistral without a window": {"sliding_window": NULL},
    "qwen2": {},
    "qwen2 tied": {"tie_word_embeddings": True},
    "qwen2 with windows, yarn": {
        "use_sliding_window": True,
        "sliding_window": 5,
        "max_window_layers": 1,
        "rope_scaling": {
            "type": "yarn",
            "factor": 2.0,
            "original_max_position_embeddings": 32,
        },
    },
    "llama with another activation": {"hidden_act": "gelu"},
    "gemma": {},
    "gemma of the first releases": {"hidden_act": "gelu", "tie_word_embeddings": None},
    "gemma2": {"tie_word_embeddings": True},
    "gemma2 with everything": {
        "sliding_window": 7,
        "query_pre_attn_scalar": 50,
        "attn_logit_softcapping": 3.0,
        "final_logit_softcapping": 5.0,
        "attention_bias": True,
    },
    "gemma2 without caps": {"attn_logit_softcapping": NULL, "final_logit_softcapping": NULL},
    "gemma3_text": {},
    "gemma3_text, old spelling": {
        "num_hidden_layers": 3,
        "sliding_window": 7,
        "sliding_window_pattern": 3,
        "query_pre_attn_scalar": 40,
        "final_logit_softcapping": 4.0,
        "rope_theta": 5000.0,
        "rope_local_base_freq": 100.0,
        "rope_scaling": {"rope_type": "linear", "factor": 4.0},
        "attention_bias": True,
    },
    "gemma3_text, new spelling": {
        "sliding_window": 7,
        "layer_types": ["full_attention", "sliding_attention"],
        "rope_parameters": {
            "full_attention": {"rope_type": "linear", "factor": 2.0, "rope_theta": 700.0},
            "sliding_attention": {"rope_type": "default", "rope_theta": 50.0},
        },
    },
    "phi3": {},
    "phi3 with a window, parts of heads turned": {
        "sliding_window": 9,
        "partial_rotary_factor": 0.75,
        "tie_word_embeddings": True,
    },
    "phi3 longrope, short": {
        "partial_rotary_factor": 0.75,
        "original_max_position_embeddings": LENGTH,
        "max_position_embeddings": 4 * LENGTH,
        "rope_scaling": LONGROPE,
    },
    "phi3 longrope, long": {
        "partial_rotary_factor": 0.75,
        "original_max_position_embeddings": 32,
        "rope_scaling": LONGROPE,
    },
    "olmo2": {},
    "olmo2 with biases": {"attention_bias": True, "rope_theta": 500.0},
    "granite": {},
    "granite with everything": {
        "attention_bias": True,
        "mlp_bias": True,
        "embedding_multiplier": 3.0,
        "attention_multiplier": 0.11,
        "residual_multiplier": 0.37,
        "logits_scaling": 2.5,
        "tie_word_embeddings": True,
    },
    "gpt2": {},
    "gpt2 with everything": {
        "n_inner": 80,
        "activation_function": "relu",
        "layer_norm_epsilon": 1e-3,
        "scale_attn_by_inverse_layer_idx": True,
        "reorder_and_upcast_attn": True,
        "tie_word_embeddings": False,
    },
    "gpt2 without a factor of scores": {"scale_attn_weights": False},
    "opt": {},
    "opt with norms behind and a smaller embedding": {
        "do_layer_norm_before": False,
        "word_embed_proj_dim": 32,
    },
    "opt without biases, weights of norms and the last norm": {
        "enable_bias": False,
        "layer_norm_elementwise_affine": False,
        "_remove_final_layer_norm": True,
        "activation_function": "gelu",
        "tie_word_embeddings": False,
    },
    "qwen3": {},
    "qwen3 with everything": {
        "attention_bias": True,
        "use_sliding_window": True,
        "sliding_window": 6,
        "layer_types": ["sliding_attention", "full_attention"],
    },
    "mixtral": {"num_local_experts": 5, "num_experts_per_tok": 2},
    "mixtral fused": {"num_local_experts": 4, "num_experts_per_tok": 3},
    "mixtral with defaults and a window": {
        "num_local_experts": 3,
        "num_experts_per_tok": 1,
        "sliding_window": 9,
        "rms_norm_eps": None,
        "max_position_embeddings": None,
        "tie_word_embeddings": True,
    },
    "mixtral with unchosen experts": {"num_local_experts": 90, "num_experts_per_tok": 1},
    "qwen3_moe": {"num_experts": 5, "num_experts_per_tok": 3, "moe_intermediate_size": 24},
    "qwen3_moe fused": {
        "num_local_experts": 4,
        "num_experts_per_tok": 4,
        "moe_intermediate_size": 24,
        "norm_topk_prob": True,
    },
    "qwen3_moe with everything": {
        "num_experts": 6,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 24,
        "num_hidden_layers": 4,
        "decoder_sparse_step": 2,
        "mlp_only_layers": [3],
        "norm_topk_prob": True,
        "attention_bias": True,
        "use_sliding_window": True,
        "sliding_window": 6,
        "head_dim": None,
        "tie_word_embeddings": True,
    },
    "qwen3_moe without experts": {
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 24,
        "mlp_only_layers": [0, 1],
    },
}

#: What checkpoints call the experts' gates, ups and downs.
EXPERTS = {
    "mixtral": ["block_sparse_moe.experts.{}.w" + leaf + ".weight" for leaf in "132"],
    "qwen3_moe": ["mlp.experts.{}." + leaf + "_proj.weight" for leaf in ("gate", "up", "down")],
}


def keys_of(name):
    """The config.json of a random model, as its makers would write it."""
    family = re.match(r"\w+", name)[0]
    keys = {**OTHERS.get(family, TINY), "model_type": family, **MODELS[name]}
    keys = {key: value for key, value in keys.items() if value is not None}
    return {key: None if value == NULL else value for key, value in keys.items()}


def write_random_model(folder, keys, fused):
    """Writes the checkpoint that transformers makes of a config.json, which stays as it is; its
    experts as it holds them (`fused`) or one by one."""
    (folder / "config.json").write_text(json.dumps(keys))
    torch.manual_seed(3)
    model = transformers.AutoModelForCausalLM.from_config(
        transformers.AutoConfig.from_pretrained(folder)
    )
    for parameter in model.parameters():  # far from the small numbers that models begin with
        scale = 0.3 if parameter.dim() > 1 else 0.5
        parameter.data = (
            parameter.data.mul(0)
            .add(parameter.dim() == 1)
            .add(scale * torch.randn(parameter.shape))
        )
    model.save_pretrained(folder, save_original_format=not fused)
    (folder / "config.json").write_text(json.dumps(keys))


def by_tensor(family, name, squares):
    """Sums of a parameter's squares by the checkpoint's names: transformers holds the experts of a
    layer as one."""
    sums = {name: float(squares.sum())}
    if ".mlp.experts." not in name:
        return sums
    layer, leaf = name.split("mlp.experts.")
    names = EXPERTS[family][:2] if leaf == "gate_up_proj" else EXPERTS[family][2:]
    return sums | {
        layer + tensor.format(expert): float(part.sum())
        for expert, matrix in enumerate(squares)
        for tensor, part in zip(names, matrix.chunk(len(names)), strict=True)
    }


def reference(folder, ids, dtype):
    """Loss, log-likelihoods, logits and Σ(w·∂loss/∂w)² of matrices by transformers, in `dtype`,
    softmax included."""
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=dtype, attn_implementation="eager"
    ).eval()
    logits = model(ids[:, :-1]).logits
    loss = torch.nn.functional.cross_entropy(logits[0], ids[0, 1:])
    loss.backward()
    likelihoods = logits[0].detach().log_softmax(-1).gather(-1, ids[0, 1:, None])[:, 0]
    sensitivities = {}
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            squares = (parameter.detach().double() * parameter.grad.double()).pow(2)
            sensitivities |= by_tensor(model.config.model_type, name, squares)
    outputs = likelihoods.double().numpy(), logits[0].detach().double().numpy()
    return float(loss.detach()), *outputs, sensitivities


def printed(program, folder, ids, precision):
    text = " ".join(str(int(i)) for i in ids[0])
    run = subprocess.run(
        [program, folder, str(LENGTH), precision],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    lines = [line.split() for line in run.stdout.splitlines()]
    numbers = numpy.array([float(line[0]) for line in lines if len(line) == 1])
    sensitivities = collections.Counter()  # several ops may read one tensor
    for name, sensitivity in (line for line in lines if len(line) == 2):
        sensitivities[name] += float(sensitivity)
    logits = numbers[LENGTH + 1 :].reshape(LENGTH, -1)
    return numbers[0], numbers[1 : LENGTH + 1], logits, sensitivities


def tokens_of(folder, vocabulary):
    file = folder.parent / "tokens_u16.npy"
    if file.exists():
        return torch.tensor(numpy.load(file)[: LENGTH + 1].astype("int64"))[None]
    return torch.tensor(numpy.random.default_rng(0).integers(0, vocabulary, LENGTH + 1))[None]


def compare_gradients(found, expected, tied):
    """The largest relative difference of a weight's sensitivity."""
    # transformers has one gradient of a tied matrix: that of both of its uses.
    shared = ("lm_head", "embed_tokens", "wte") if tied else ()
    names = [name for name in found if not any(part in name for part in shared)]
    assert len(names) > 6, found
    pairs = [(found[name], expected[name]) for name in names]
    return max(abs(a / b - 1) for a, b in pairs if a != 0 or b != 0)


def compare(program, folder, title, precisions):
    config = transformers.AutoConfig.from_pretrained(folder)
    ids = tokens_of(folder, config.vocab_size)
    # transformers keeps RMSNorm and softmax in fp32 whatever the type: fp32 is its best.
    loss, likelihoods, logits, sensitivities = reference(folder, ids, torch.float32)
    for precision in precisions:
        tolerance = TOLERANCES[precision]
        found = printed(program, folder, ids, precision)
        scale = numpy.abs(logits).max()
        worst = numpy.abs(found[2] - logits).max() / scale
        gradients = compare_gradients(found[3], sensitivities, config.tie_word_embeddings)
        print(
            f"{title} {precision}: loss {found[0]:.9f} against {loss:.9f}, "
            f"logits {worst:.1e}, gradients {gradients:.1e}"
        )
        assert abs(found[0] - loss) < max(tolerance, 2e-6) * loss
        assert worst < max(tolerance, 2e-5)
        assert numpy.abs(found[1] - likelihoods).max() < max(tolerance, 2e-5) * scale
        assert abs(found[1].mean() + found[0]) < max(tolerance, 2e-6) * loss
        assert gradients < 1e-3


def main():
    program, *roots = sys.argv[1:]
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for name in MODELS:
        with tempfile.TemporaryDirectory() as folder:
            write_random_model(pathlib.Path(folder), keys_of(name), "fused" in name)
            compare(program, pathlib.Path(folder), name, ["fp64"])
    configs = (f for root in roots for f in pathlib.Path(root).glob("**/config.json"))
    for folder in sorted(f.parent for f in configs if "wrong_inputs" not in f.parts):
        compare(program, folder, folder, TOLERANCES)


if __name__ == "__main__":
    main()
