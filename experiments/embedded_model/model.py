"""A Llama decoder small enough for two cores, with dropout and Hugging Face's parameter names.

Shape letters: B samples, T tokens, C hidden, H heads, K key/value heads, D head size.
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Shape:
    vocab_size: int = 2048
    hidden_size: int = 256
    intermediate_size: int = 448
    num_hidden_layers: int = 6
    num_attention_heads: int = 8
    num_key_value_heads: int = 4
    max_position_embeddings: int = 512
    rms_norm_eps: float = 1e-5
    rope_theta: float = 10000.0

    @property
    def head_dim(self) -> int:
        return self.hidden_size // self.num_attention_heads


def drop(x, rate: float, training: bool):
    """Dropout with its rate rounded to 1/256: eight masks from each random word make it cheap."""
    if not training or rate == 0:
        return x
    threshold = round(256 * rate)
    words = torch.empty((x.numel() + 7) // 8, dtype=torch.int64).random_(-(2**63), None)
    kept = words.view(torch.uint8)[: x.numel()].view(x.shape) >= threshold
    return x * kept.to(x.dtype).mul_(256 / (256 - threshold))


class RMSNorm(nn.Module):
    def __init__(self, size: int, eps: float):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(size)), eps

    def forward(self, x):
        return F.rms_norm(x, (x.shape[-1],), self.weight, self.eps)


def rotate(x_BHTD, cos_TD, sin_TD):
    left, right = x_BHTD.chunk(2, dim=-1)
    return x_BHTD * cos_TD + torch.cat([-right, left], dim=-1) * sin_TD


class Attention(nn.Module):
    def __init__(self, shape: Shape, dropout: float):
        super().__init__()
        self.shape, self.dropout = shape, dropout
        keys = shape.num_key_value_heads * shape.head_dim
        self.q_proj = nn.Linear(shape.hidden_size, shape.hidden_size, bias=False)
        self.k_proj = nn.Linear(shape.hidden_size, keys, bias=False)
        self.v_proj = nn.Linear(shape.hidden_size, keys, bias=False)
        self.o_proj = nn.Linear(shape.hidden_size, shape.hidden_size, bias=False)

    def forward(self, x_BTC, cos_TD, sin_TD):
        batch, length, _ = x_BTC.shape
        heads = lambda y: y.view(batch, length, -1, self.shape.head_dim).transpose(1, 2)  # noqa: E731
        q_BHTD = rotate(heads(self.q_proj(x_BTC)), cos_TD, sin_TD)
        k_BKTD = rotate(heads(self.k_proj(x_BTC)), cos_TD, sin_TD)
        v_BKTD = heads(self.v_proj(x_BTC))
        repeats = self.shape.num_attention_heads // self.shape.num_key_value_heads
        k_BHTD, v_BHTD = (y.repeat_interleave(repeats, dim=1) for y in (k_BKTD, v_BKTD))
        future_TT = torch.ones(length, length, dtype=torch.bool).triu(1)
        # Explicit: the backward of scaled_dot_product_attention is twice as slow on a CPU here.
        scores_BHTT = (q_BHTD * self.shape.head_dim**-0.5) @ k_BHTD.transpose(-2, -1)
        y_BHTD = scores_BHTT.masked_fill(future_TT, float("-inf")).softmax(-1) @ v_BHTD
        y_BTC = self.o_proj(y_BHTD.transpose(1, 2).reshape(batch, length, -1))
        return drop(y_BTC, self.dropout, self.training)


class FeedForward(nn.Module):
    def __init__(self, shape: Shape, dropout: float):
        super().__init__()
        self.dropout = dropout
        self.gate_proj = nn.Linear(shape.hidden_size, shape.intermediate_size, bias=False)
        self.up_proj = nn.Linear(shape.hidden_size, shape.intermediate_size, bias=False)
        self.down_proj = nn.Linear(shape.intermediate_size, shape.hidden_size, bias=False)

    def forward(self, x):
        return drop(
            self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x)), self.dropout, self.training
        )


class Block(nn.Module):
    def __init__(self, shape: Shape, dropout: float):
        super().__init__()
        self.input_layernorm = RMSNorm(shape.hidden_size, shape.rms_norm_eps)
        self.self_attn = Attention(shape, dropout)
        self.post_attention_layernorm = RMSNorm(shape.hidden_size, shape.rms_norm_eps)
        self.mlp = FeedForward(shape, dropout)

    def forward(self, x, cos_TD, sin_TD):
        x = x + self.self_attn(self.input_layernorm(x), cos_TD, sin_TD)
        return x + self.mlp(self.post_attention_layernorm(x))


class Llama(nn.Module):
    """Logits of a Llama decoder with tied embeddings."""

    def __init__(self, shape: Shape, dropout: float = 0.0):
        super().__init__()
        self.shape, self.dropout = shape, dropout
        self.embed_tokens = nn.Embedding(shape.vocab_size, shape.hidden_size)
        self.layers = nn.ModuleList(Block(shape, dropout) for _ in range(shape.num_hidden_layers))
        self.norm = RMSNorm(shape.hidden_size, shape.rms_norm_eps)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                residual = name.endswith(("o_proj.weight", "down_proj.weight"))
                nn.init.normal_(
                    parameter, std=0.02 / (2 * shape.num_hidden_layers) ** (0.5 if residual else 0)
                )

    def forward(self, tokens_BT):
        length, size = tokens_BT.shape[1], self.shape.head_dim
        inverse = self.shape.rope_theta ** (-torch.arange(0, size, 2, dtype=torch.float32) / size)
        angles = torch.outer(torch.arange(length, dtype=torch.float32), inverse).repeat(1, 2)
        cos_TD, sin_TD = angles.cos(), angles.sin()
        x_BTC = drop(self.embed_tokens(tokens_BT), self.dropout, self.training)
        for layer in self.layers:
            x_BTC = layer(x_BTC, cos_TD, sin_TD)
        return F.linear(self.norm(x_BTC), self.embed_tokens.weight)

    def hugging_face_state(self) -> dict[str, torch.Tensor]:
        """Parameters by their Hugging Face names, in bf16."""
        return {
            f"model.{name}": value.detach().to(torch.bfloat16).contiguous()
            for name, value in self.state_dict().items()
        }

    def hugging_face_config(self) -> dict:
        return {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "torch_dtype": "bfloat16",
            "hidden_act": "silu",
            "attention_bias": False,
            "mlp_bias": False,
            "tie_word_embeddings": True,
            "head_dim": self.shape.head_dim,
            "bos_token_id": 0,
            "eos_token_id": 0,
            **self.shape.__dict__,
        }
