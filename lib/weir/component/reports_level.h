#pragma once
/// What an output can tell of how full it is, for a source whose clients send less before they are refused. An output
/// that can is also one of these (dynamic_cast, once); a test's need not be.
///
///   level    1 where one of what it needs takes nothing more or is left alone, else how full the fullest is
///
/// Thread: the intake's reactor. Cost: a lock for each sink that it needs.
namespace weir {

class ReportsLevel {
 public:
  virtual ~ReportsLevel() = default;
  /// 0 to 1.
  virtual double level() const = 0;
};

}  // namespace weir
