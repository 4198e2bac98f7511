#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "pipeline/decision.hpp"

/// Plans that somebody else made: read from files, evaluated beside the run's own.
namespace gainsweep::pipeline {

/// A plan of `evaluate.plans`.
struct GivenPlan {
  std::string name;          ///< tables tell it by this
  std::string file;          ///< as the spec names it
  std::string model_digest;  ///< of the model that it was made for; empty where it does not say
  graph::Assignment assignment;
};

/// The plans of some files. Error(input) where one is no plan of the layout's ops and formats,
/// Error(config) where two have one name.
std::vector<GivenPlan> read_plans(const std::vector<std::filesystem::path>& files,
                                  const Layout& layout);

/// Error(input) for a plan that was made for another model.
void check_model(std::span<const GivenPlan> plans, const std::string& model_digest);

/// Of what units follow from: names and assignments.
std::string digest_of(std::span<const GivenPlan> plans, const Layout& layout);

/// Their assignments, equal ones once, without all-high.
std::vector<graph::Assignment> distinct(std::span<const GivenPlan> plans);

/// The table `given_plans` with what is predicted of them, and tables `given_gains/<objective>` of
/// those whose gain is known. None without any plan.
std::vector<archive::Table> given_tables(const Layout& layout, const spec::Spec& spec,
                                         const Decision& decision,
                                         std::span<const GivenPlan> plans);

/// The plans of a spec's files as an archive's `given_plans` has them. Error(config) for a file
/// that the archive's run did not read.
std::vector<GivenPlan> to_given_plans(const archive::Contents& contents, const spec::Spec& spec);

}  // namespace gainsweep::pipeline
