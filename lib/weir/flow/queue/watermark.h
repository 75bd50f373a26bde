#pragma once
/// Two watermarks with a gap between them, for what is costly to switch: pausing readers (semantics D2). A single mark
/// would switch at every event around it.
///
///   fill >= pause_at: paused      fill <= resume_at: running      between: as before
///
/// A producer that could not place an arrival may `pause` by hand: an arrival larger than the room that is left waits
/// although the fill is below the pause mark, and the same resume must wake it.
///
/// When to choose it: switching is costly and its cause moves all the time: pausing readers, opening connections. A
/// wider gap means fewer switches, and more room that must stay free above the pause mark.
///
/// Thread: one owner. Cost: two comparisons.
#include <cstdint>

namespace weir::flow {

class Watermark {
 public:
  Watermark(double pause_at, double resume_at) : pause_at_(pause_at), resume_at_(resume_at) {}

  /// Moves the watermarks, keeps the state; the next update judges by the new ones.
  void move(double pause_at, double resume_at) {
    pause_at_ = pause_at;
    resume_at_ = resume_at;
  }
  void update(double fill) {
    if (paused_ && fill <= resume_at_) {
      paused_ = false;
      ++resumes_;
    } else if (fill >= pause_at_ && fill > resume_at_) {
      pause();
    }
  }
  void pause() {
    if (paused_) return;
    paused_ = true;
    ++pauses_;
  }

  bool paused() const { return paused_; }
  std::uint64_t pauses() const { return pauses_; }
  std::uint64_t resumes() const { return resumes_; }

 private:
  double pause_at_, resume_at_;
  bool paused_ = false;
  std::uint64_t pauses_ = 0, resumes_ = 0;
};

}  // namespace weir::flow
