#pragma once

#include "execute/probe.hpp"

/// How much each op's rounding changes the loss: per-sample scores and the loss errors they give.
namespace gainsweep::sensitivity {

/// One operand's `s`, `e` and step norm in one sample.
using OperandScore = execute::OperandProbe;
/// The loss `g` of one sample and the scores of its operands by [op][operand].
using ScoreRecord = execute::ProbeRecord;

}  // namespace gainsweep::sensitivity
