#pragma once
/// Whether who dials an address comes to where this machine listens: names are looked up, and an address for all
/// interfaces is any of this machine's.
///
/// Thread: any. Cost: nothing where the ports differ; otherwise two look-ups, which may take as long as the resolver
/// does. At start only. A name that cannot be resolved is none of ours: its sink says so itself.
#include <string>

namespace weir::pipeline {

bool reaches(const std::string& dialled, const std::string& listen);

}  // namespace weir::pipeline
