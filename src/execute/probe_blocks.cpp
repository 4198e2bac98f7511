// Probes of formats in blocks, over host memory.

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <memory>
#include <span>

#include "execute/lines.hpp"
#include "execute/probe_elements.hpp"
#include "execute/probe_kernels.hpp"
#include "format/block.hpp"

namespace gainsweep::execute {
namespace {

using format::BlockFormat, format::BlockSums;

/// The formats in blocks among an operand's, with their places.
struct Chosen {
  std::vector<std::size_t> places;
  std::vector<BlockFormat> formats;
};

Chosen chosen(const OperandFormats& formats) {
  Chosen result;
  for (std::size_t f = 0; f < formats.size(); ++f) {
    if (!formats[f].in_blocks()) continue;
    result.places.push_back(f);
    result.formats.push_back({*formats[f].number, formats[f].scales.at(0)});
  }
  return result;
}

/// Whether a block of every format ends after so many elements.
bool blocks_fit(const std::vector<BlockFormat>& formats, std::int64_t elements) {
  return std::all_of(formats.begin(), formats.end(), [&](const BlockFormat& format) {
    return elements % format.number.block == 0;
  });
}

/// Lines whose first element is element `first` of a longer one: where their first block ends
/// depends on the format.
template <class T>
class CutLines {
 public:
  CutLines(std::span<const BlockFormat> formats, std::int64_t first) {
    for (std::size_t f = 0; f < formats.size(); ++f) {
      const auto block = formats[f].number.block;
      const auto head = static_cast<std::size_t>((block - first % block) % block);
      heads_.push_back(head);
      formats_.push_back(std::make_unique<const format::BlockLines<T>>(formats.subspan(f, 1)));
    }
  }

  void probe(std::span<const T> z, std::span<const T> g, std::span<BlockSums> sums) const {
    for (std::size_t f = 0; f < heads_.size(); ++f) {
      const auto head = std::min(heads_[f], z.size());
      const auto sum = sums.subspan(f, 1);
      formats_[f]->probe(z.first(head), g.first(head), sum);
      formats_[f]->probe(z.subspan(head), g.subspan(head), sum);
    }
  }

 private:
  std::vector<std::size_t> heads_;  ///< elements before the first whole block, by format
  std::vector<std::unique_ptr<const format::BlockLines<T>>> formats_;
};

/// Sums of `pieces`, each made by `of(piece, sums)`, in their order.
template <class Of>
std::vector<BlockSums> in_pieces(std::int64_t pieces, std::size_t num_formats, Of of) {
  std::vector<std::vector<BlockSums>> sums(static_cast<std::size_t>(pieces),
                                           std::vector<BlockSums>(num_formats));
  at::parallel_for(0, pieces, 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto p = begin; p < end; ++p) of(p, sums[static_cast<std::size_t>(p)]);
  });
  std::vector<BlockSums> total(num_formats);
  for (const auto& piece : sums) {
    for (std::size_t f = 0; f < num_formats; ++f) {
      total[f].signed_error += piece[f].signed_error;
      total[f].square_error += piece[f].square_error;
      total[f].step_norm += piece[f].step_norm;
    }
  }
  return total;
}

template <class T>
std::vector<BlockSums> flat_sums(const std::vector<BlockFormat>& formats, const at::Tensor& z,
                                 const at::Tensor& g) {
  const auto values = elements<T>(z), gradients = elements<T>(g);
  constexpr auto size = static_cast<std::size_t>(piece_elements);
  const auto pieces = (z.numel() + piece_elements - 1) / piece_elements;
  const format::BlockLines<T> all(formats);
  return in_pieces(pieces, formats.size(), [&](std::int64_t p, std::vector<BlockSums>& sums) {
    const auto at = static_cast<std::size_t>(p) * size;
    const auto count = std::min(size, values.size() - at);
    all.probe(values.subspan(at, count), gradients.subspan(at, count), sums);
  });
}

/// `lines` probes one line.
template <class T, class Probe>
std::vector<BlockSums> line_sums(const Probe& lines, std::size_t num_formats, const Lines& z,
                                 const Lines& g) {
  const auto of_piece = std::max<std::int64_t>(piece_elements / z.length(), 1);
  const auto pieces = (z.count() + of_piece - 1) / of_piece;
  return in_pieces(pieces, num_formats, [&](std::int64_t p, std::vector<BlockSums>& sums) {
    std::vector<T> values, gradients;
    for (auto i = p * of_piece; i < std::min((p + 1) * of_piece, z.count()); ++i)
      lines.probe(z.line<T>(i, values), g.line<T>(i, gradients), sums);
  });
}

template <class T>
std::vector<BlockSums> line_sums(const std::vector<BlockFormat>& formats, std::int64_t first,
                                 const Lines& z, const Lines& g) {
  if (blocks_fit(formats, first))
    return line_sums<T>(format::BlockLines<T>(formats), formats.size(), z, g);
  return line_sums<T>(CutLines<T>(formats, first), formats.size(), z, g);
}

}  // namespace

void add_in_blocks(const OperandFormats& formats, const OperandPart& part, const at::Tensor& z,
                   const at::Tensor& g, OperandProbe& probe) {
  const auto own = chosen(formats);
  if (own.formats.empty() || z.numel() == 0) return;
  const Lines values(z, part.dimension, part.restart), gradients(g, part.dimension, part.restart);
  const bool is_flat = values.is_flat() && gradients.is_flat() && part.first == 0 &&
                       blocks_fit(own.formats, values.length());
  with_element_type(z.scalar_type(), [&]<class T>() {
    const auto sums = is_flat ? flat_sums<T>(own.formats, z, g)
                              : line_sums<T>(own.formats, part.first, values, gradients);
    for (std::size_t f = 0; f < sums.size(); ++f) {
      probe.signed_error[own.places[f]] += sums[f].signed_error;
      probe.square_error[own.places[f]] += sums[f].square_error;
      probe.step_norm[own.places[f]] += sums[f].step_norm;
    }
  });
}

}  // namespace gainsweep::execute
