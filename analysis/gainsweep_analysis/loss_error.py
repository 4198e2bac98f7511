"""Predicted loss errors, made anew from per-sample scores under any noise and loss model."""

import math

import numpy as np

from .contents import Archive, Format
from .statistics import Estimate, bootstrap

NOISES = ("empirical", "paper", "log_uniform")
LOSS_MODELS = ("first_order", "bias")


def noise_constant(format_: Format, noise: str) -> float:
    """α of `d = α · s`: 2^(−2m)/12 of m mantissa bits (arXiv 2505.13060), the worst case inside a
    binade; `log_uniform` averages it over a log-uniform mantissa, 3/(8 ln 2) times that."""
    paper = 2.0 ** (-2 * format_.mantissa_bits) / 12
    return paper * (3 / (8 * math.log(2)) if noise == "log_uniform" else 1)


def contributions(archive: Archive, noise: str) -> np.ndarray:
    """What each sample adds to each op's loss error, nat²: [sample, op, format], 0 for the high
    format. Its mean over samples is `d`."""
    scores = archive.scores
    op_of_operand = np.array([operand.op for operand in archive.operands])
    of_op = (op_of_operand[:, None] == np.arange(len(archive.ops))).astype(float)
    result = np.zeros((len(scores.loss), len(archive.ops), len(archive.formats)))
    for index, format_ in enumerate(archive.formats[1:], start=1):
        if noise == "empirical":
            result[:, :, index] = (scores.signed_error[:, :, index - 1] @ of_op) ** 2
        elif format_.kind == "integer":
            result[:, :, index] = scores.step_norm[:, :, index - 1] @ of_op / 12
        else:
            result[:, :, index] = noise_constant(format_, noise) * (scores.sensitivity @ of_op)
    return result


def loss_errors(archive: Archive, noise: str) -> np.ndarray:
    """d by [op, format], nat²."""
    return contributions(archive, noise).mean(axis=0)


def predicted_mse(loss_model: str, total: np.ndarray | float, length: int) -> np.ndarray | float:
    """Mean square loss error that D = Σ d predicts: D, or D + (T/2 · D)² with the bias."""
    return total if loss_model == "first_order" else total + (length / 2 * total) ** 2


def tau(mean_square_error: float, mean_square_loss: float) -> float:
    return math.sqrt(mean_square_error / mean_square_loss)


def predicted_tau(
    archive: Archive, contribution: np.ndarray, assignment: np.ndarray, loss_model: str
) -> Estimate:
    """The predicted τ of an assignment; `contribution` from `contributions`. The interval is over
    calibration samples."""
    per_sample = contribution[:, np.arange(len(archive.ops)), assignment].sum(axis=1)

    def relative(errors: np.ndarray, squares: np.ndarray) -> np.ndarray:
        mse = predicted_mse(loss_model, errors.mean(axis=-1), archive.length)
        return np.sqrt(mse / squares.mean(axis=-1))

    return bootstrap(relative, per_sample, archive.scores.loss**2)
