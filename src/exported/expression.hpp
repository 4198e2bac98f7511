#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace gainsweep::exported {

/// What symbols of a program stand for.
using Symbols = std::map<std::string, std::int64_t>;

/// The value of a size's expression in sympy's words: `Mul(Integer(2), Symbol('s77', …))` of sums,
/// products, powers, quotients, remainders, least and largest ones. Error(input), which names the
/// expression, for anything else, for symbols that are not known, and beyond 64 bits.
std::int64_t evaluate(const std::string& expression, const Symbols& symbols);

/// The name of an expression that is a symbol alone; empty for all others.
std::string symbol_of(const std::string& expression);

}  // namespace gainsweep::exported
