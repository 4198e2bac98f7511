#include "pipeline/layout.hpp"

#include <algorithm>
#include <map>

#include "archive/field.hpp"
#include "base/error.hpp"
#include "digest/digest.hpp"
#include "format/block.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::Axes, archive::integers, archive::reals, archive::texts;
using Integers = std::vector<std::int64_t>;
using Texts = std::vector<std::string>;

constexpr std::int64_t unfused = -1;

graph::OpKind kind_named(const std::string& name) {
  for (const auto kind : enumerators<graph::OpKind>())
    if (name == spelling(kind)) return kind;
  throw Error(ErrorKind::input, "the archive has an op of unknown kind '" + name + "'");
}

archive::Table ops_table(const Layout& layout) {
  const auto& ops = layout.partition.ops;
  Texts paths, kinds, real;
  Integers macs, elements, channels, lines, shared, subgraphs(ops.size()), ties(ops.size());
  Integers fused(ops.size(), unfused);
  for (std::size_t j = 0; j < layout.partition.subgraphs.size(); ++j) {
    const auto& subgraph = layout.partition.subgraphs[j];
    for (std::size_t tie = 0; tie < subgraph.ties.size(); ++tie)
      for (const auto place : subgraph.ties[tie]) {
        subgraphs[subgraph.ops[place].index] = static_cast<std::int64_t>(j);
        ties[subgraph.ops[place].index] = static_cast<std::int64_t>(tie);
      }
    for (std::size_t group = 0; group < subgraph.fused.size(); ++group)
      for (const auto place : subgraph.fused[group])
        fused[subgraph.ops[place].index] = static_cast<std::int64_t>(group);
  }
  for (std::size_t i = 0; i < ops.size(); ++i) {
    paths.push_back(ops[i].path);
    kinds.emplace_back(spelling(ops[i].kind));
    macs.push_back(ops[i].macs);
    elements.push_back(ops[i].weight_elements);
    channels.push_back(ops[i].weight_channels);
    lines.push_back(ops[i].weight_line);
    shared.push_back(ops[i].weight_shared ? 1 : 0);
    real.push_back(joined_names(layout.real_formats[i], layout.formats));
  }
  const Axes op{{"op", ops.size()}};
  return {
      "ops",
      "Quantizable operations in IR order",
      archive::Nature::deterministic,
      {texts("path", paths, op, "Where the op stands in the model"),
       texts("kind", kinds, op, "linear, matmul, convolution or depthwise_convolution"),
       integers("macs", macs, op, "1", "Multiply-accumulates of a sample of calibration.length"),
       integers("weight_elements", elements, op, "1", "Elements of the weight, 0 without one"),
       integers("weight_channels", channels, op, "1", "Output channels of the weight"),
       integers("weight_line", lines, op, "1",
                "Elements of the weight along the dimension that products sum over"),
       integers("weight_shared", shared, op, "1",
                "1 where something that is not quantizable reads the weight too"),
       integers("subgraph", subgraphs, op, "1", "Index of the op's sub-graph"),
       integers("tie", ties, op, "1", "Ops of a sub-graph with equal numbers share one format"),
       integers("fused", fused, op, "1",
                "Ops of a sub-graph with equal numbers are one matrix product; -1 for none"),
       texts("real_formats", real, op, "Formats that the device which times are of runs the op in"),
       texts("module", layout.modules, op, "Checkpoint's name of the op's weight")}};
}

archive::Table operands_table(const Layout& layout) {
  Integers ops, operands;
  Texts roles, names, paths;
  for (const auto [op, operand] : operand_axis(layout.partition.ops)) {
    const auto& about = layout.partition.ops[op].operands[operand];
    ops.push_back(static_cast<std::int64_t>(op));
    operands.push_back(static_cast<std::int64_t>(operand));
    roles.push_back(about.role == graph::OperandRole::weight ? "weight" : "activation");
    names.push_back(about.name);
    paths.push_back(layout.partition.ops[op].path + "." + about.name);
  }
  const Axes axis{{"operand", ops.size()}};
  return {"operands",
          "Input tensors of the ops, in op order: the axis `operand`",
          archive::Nature::deterministic,
          {integers("op", ops, axis, "1", "Index of the op"),
           integers("operand", operands, axis, "1", "Place among the op's operands"),
           texts("role", roles, axis, "activation or weight"),
           texts("path", paths, axis, "Path of the op and name of the operand"),
           texts("name", names, axis, "What the operand is in its op: query, input, weight")}};
}

archive::Table subgraphs_table(const Layout& layout) {
  Texts names;
  Integers classes, sizes;
  for (const auto& subgraph : layout.partition.subgraphs) {
    names.push_back(subgraph.name);
    classes.push_back(static_cast<std::int64_t>(subgraph.cls.index));
    sizes.push_back(static_cast<std::int64_t>(subgraph.ops.size()));
  }
  const Axes axis{{"subgraph", names.size()}};
  return {"subgraphs",
          "Sequential sub-graphs in the order of their first ops",
          archive::Nature::deterministic,
          {texts("name", names, axis, "The ops' common path and leaves"),
           integers("class", classes, axis, "1", "Index of the structural class"),
           integers("num_ops", sizes, axis, "1", "Number of ops")}};
}

// The fields of one operand of the formats; `name` begins their names. Null: it stays high.
void add_number_fields(std::vector<archive::Field>& fields, const std::string& name,
                       const std::vector<const format::NumberFormat*>& numbers) {
  const format::NumberFormat none{
      .name = "", .bits = 0, .backoff = 0, .range = "", .scale_grid = ""};
  Texts names, kinds, granularities, rules, ranges, scale_grids;
  Integers bits, mantissas, blocks;
  std::vector<double> stored, maxima, backoffs;
  for (const auto* known : numbers) {
    const auto& number = known == nullptr ? none : *known;
    const bool is_integer = number.grid.kind == format::Kind::integer;
    names.push_back(number.name);
    kinds.push_back(known == nullptr ? "" : is_integer ? "integer" : "floating");
    bits.push_back(number.bits);
    stored.push_back(format::stored_bits(number));
    mantissas.push_back(number.grid.mantissa_bits);
    maxima.push_back(number.grid.max);
    granularities.push_back(known == nullptr ? "" : spelling(number.granularity));
    blocks.push_back(number.block);
    rules.push_back(known == nullptr ? "" : spelling(number.scale));
    backoffs.push_back(number.backoff);
    ranges.push_back(number.range);
    scale_grids.push_back(number.scale_grid);
  }
  const Axes axis{{"format", names.size()}};
  const auto of = name + "_";
  fields.insert(
      fields.end(),
      {texts(of + "number", names, axis, "Number format; empty where the operand stays high"),
       texts(of + "kind", kinds, axis, "floating or integer"),
       integers(of + "bits", bits, axis, "bit", "Storage of one element"),
       reals(of + "stored_bits", stored, axis, "bit", "The same with its share of a block's scale"),
       integers(of + "mantissa_bits", mantissas, axis, "bit", "Explicit mantissa bits"),
       reals(of + "max", maxima, axis, "1", "Largest finite magnitude"),
       texts(of + "granularity", granularities, axis, "What shares a scale"),
       integers(of + "block", blocks, axis, "1", "Elements of a block; 0 without blocks"),
       texts(of + "scale", rules, axis, "Where the scales of activations come from"),
       reals(of + "backoff", backoffs, axis, "1",
             "Part of the range that the largest magnitude is scaled to"),
       texts(of + "range", ranges, axis, "Which magnitudes scales of channels cover"),
       texts(of + "scale_grid", scale_grids, axis, "Which numbers are scales")});
}

archive::Table formats_table(const Layout& layout) {
  Texts names;
  std::vector<const format::NumberFormat*> weights, activations;
  for (const auto& format : layout.formats) {
    names.push_back(format.name);
    weights.push_back(&format.weight);
    activations.push_back(format.activation ? &*format.activation : nullptr);
  }
  archive::Table table{"formats",
                       "Formats; the first is the high one",
                       archive::Nature::deterministic,
                       {texts("name", names, {{"format", names.size()}}, "Name of the format")}};
  auto rates = layout.device_rates;
  rates.resize(names.size());
  table.fields.push_back(
      reals("device_rate", rates, {{"format", names.size()}}, "1",
            "Published rate of products relative to the high format's; 0 where none is known"));
  add_number_fields(table.fields, "weight", weights);
  add_number_fields(table.fields, "activation", activations);
  return table;
}

constexpr const char *held_parameters = "parameters", *held_cache = "cache";

archive::Table held_table(const Held& held) {
  Texts what{held_parameters};
  Integers elements{held.parameters}, windows{0};
  for (const auto& cache : held.caches) {
    what.emplace_back(held_cache);
    elements.push_back(cache.elements);
    windows.push_back(cache.window);
  }
  const Axes row{{"row", what.size()}};
  return {"held",
          "What a card holds beside the ops' weights",
          archive::Nature::deterministic,
          {texts("what", what, row,
                 "parameters: those that are no op's weight; cache: a layer's keys and values"),
           integers("elements", elements, row, "1", "How many; of a cache for each token"),
           integers("window", windows, row, "1", "Last tokens that a cache keeps; 0 for all")}};
}

Held read_held(const archive::Contents& contents) {
  const auto& table = archive::table(contents, "held").fields;
  Held held;
  for (std::size_t row = 0; row < texts(table, "what").size(); ++row) {
    const auto elements = integers(table, "elements").at(row);
    if (texts(table, "what")[row] == held_cache)
      held.caches.push_back({elements, integers(table, "window").at(row)});
    else
      held.parameters += elements;
  }
  return held;
}

std::vector<graph::Op> read_ops(const archive::Contents& contents) {
  const auto& table = archive::table(contents, "ops").fields;
  const auto& operands = archive::table(contents, "operands").fields;
  std::vector<graph::Op> ops(texts(table, "path").size());
  for (std::size_t i = 0; i < ops.size(); ++i) {
    ops[i].path = texts(table, "path")[i];
    ops[i].kind = kind_named(texts(table, "kind")[i]);
    ops[i].macs = integers(table, "macs")[i];
    ops[i].weight_elements = integers(table, "weight_elements")[i];
    ops[i].weight_channels = integers(table, "weight_channels")[i];
    ops[i].weight_line = integers(table, "weight_line")[i];
    ops[i].weight_shared = integers(table, "weight_shared")[i] != 0;
  }
  const auto& roles = texts(operands, "role");
  for (std::size_t i = 0; i < roles.size(); ++i) {
    graph::Operand operand;
    operand.role =
        roles[i] == "weight" ? graph::OperandRole::weight : graph::OperandRole::activation;
    operand.name = texts(operands, "name").at(i);
    ops.at(static_cast<std::size_t>(integers(operands, "op")[i])).operands.push_back(operand);
  }
  return ops;
}

graph::Partition read_partition(const archive::Contents& contents) {
  graph::Partition partition;
  partition.ops = read_ops(contents);
  const auto& ops = archive::table(contents, "ops").fields;
  const auto& table = archive::table(contents, "subgraphs").fields;
  for (std::size_t j = 0; j < texts(table, "name").size(); ++j) {
    graph::Subgraph subgraph;
    subgraph.name = texts(table, "name")[j];
    subgraph.cls = {static_cast<std::size_t>(integers(table, "class")[j])};
    partition.subgraphs.push_back(subgraph);
    partition.classes.resize(std::max(partition.classes.size(), subgraph.cls.index + 1));
    partition.classes[subgraph.cls.index].push_back({j});
  }
  for (std::size_t i = 0; i < partition.ops.size(); ++i) {
    auto& subgraph = partition.subgraphs.at(static_cast<std::size_t>(integers(ops, "subgraph")[i]));
    const auto tie = static_cast<std::size_t>(integers(ops, "tie")[i]);
    subgraph.ties.resize(std::max(subgraph.ties.size(), tie + 1));
    subgraph.ties[tie].push_back(subgraph.ops.size());
    if (const auto group = integers(ops, "fused")[i]; group != unfused) {
      const auto own = static_cast<std::size_t>(group);
      subgraph.fused.resize(std::max(subgraph.fused.size(), own + 1));
      subgraph.fused[own].push_back(subgraph.ops.size());
    }
    subgraph.ops.push_back({i});
  }
  return partition;
}

std::vector<FormatId> parse_formats(const std::string& text,
                                    const std::map<std::string, FormatId>& ids) {
  std::vector<FormatId> formats;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(',', start), text.size());
    formats.push_back(ids.at(text.substr(start, end - start)));
    start = end + 1;
  }
  return formats;
}

}  // namespace

std::vector<archive::Table> to_tables(const Layout& layout) {
  return {ops_table(layout), operands_table(layout), subgraphs_table(layout), formats_table(layout),
          held_table(layout.held)};
}

Layout to_layout(const archive::Contents& contents, const std::vector<format::Format>& formats) {
  std::map<std::string, FormatId> ids;
  for (std::size_t f = 0; f < formats.size(); ++f) ids[formats[f].name] = {f};
  Layout layout{{}, formats, {}, {}, {}};
  try {
    layout.partition = read_partition(contents);
    for (const auto& text : texts(archive::table(contents, "ops").fields, "real_formats"))
      layout.real_formats.push_back(parse_formats(text, ids));
    layout.modules = texts(archive::table(contents, "ops").fields, "module");
    layout.device_rates = reals(archive::table(contents, "formats").fields, "device_rate");
    layout.held = read_held(contents);
  } catch (const std::out_of_range&) {
    throw Error(
        ErrorKind::input,
        "the archive's tables ops, operands, subgraphs and held do not fit each other or its "
        "formats. Take another copy of the archive.");
  }
  return layout;
}

std::vector<OperandIndex> operand_axis(const std::vector<graph::Op>& ops) {
  std::vector<OperandIndex> axis;
  for (std::size_t op = 0; op < ops.size(); ++op)
    for (std::size_t operand = 0; operand < ops[op].operands.size(); ++operand)
      axis.push_back({op, operand});
  return axis;
}

std::string joined_names(const std::vector<FormatId>& ids,
                         const std::vector<format::Format>& formats) {
  std::string text;
  for (const auto id : ids) text += (text.empty() ? "" : ",") + formats[id.index].name;
  return text;
}

graph::Configuration to_configuration(const std::string& names,
                                      const std::vector<format::Format>& formats) {
  std::map<std::string, FormatId> ids;
  for (std::size_t f = 0; f < formats.size(); ++f) ids[formats[f].name] = {f};
  try {
    return parse_formats(names, ids);
  } catch (const std::out_of_range&) {
    throw Error(ErrorKind::input, "the archive tells a configuration of formats that it lacks, " +
                                      names + ". Take another copy of the archive.");
  }
}

std::vector<std::int64_t> to_indices(const graph::Assignment& assignment) {
  std::vector<std::int64_t> indices;
  for (const auto format : assignment) indices.push_back(static_cast<std::int64_t>(format.index));
  return indices;
}

graph::Assignment to_assignment(std::span<const std::int64_t> indices) {
  graph::Assignment assignment;
  for (const auto index : indices) assignment.push_back({static_cast<std::size_t>(index)});
  return assignment;
}

std::string assignment_key(const graph::Assignment& assignment,
                           const std::vector<format::Format>& formats) {
  std::string text;
  for (const auto format : assignment) text += formats[format.index].name + "\n";
  return digest::of_text(text);
}

std::string shown(const std::string& assignment_key) {
  constexpr std::size_t enough = 8;
  return assignment_key.substr(0, enough);
}

}  // namespace gainsweep::pipeline
