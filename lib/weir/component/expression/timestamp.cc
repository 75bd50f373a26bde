#include <weir/component/expression/json_event.h>
#include <weir/component/expression/timestamp.h>

#include <cmath>

namespace weir {
namespace {

/// Reads from the front of a text; `fine` turns false once something is not as expected.
struct Reader {
  std::string_view text;
  bool fine = true;
  int digits(std::size_t n) {
    int value = 0;
    if (text.size() < n) fine = false;
    for (std::size_t i = 0; fine && i < n; ++i) {
      if (text[i] < '0' || text[i] > '9') fine = false;
      value = value * 10 + (text[i] - '0');
    }
    if (fine) text.remove_prefix(n);
    return value;
  }
  bool one_of(std::string_view any) {
    if (text.empty() || any.find(text.front()) == any.npos) return false;
    text.remove_prefix(1);
    return true;
  }
  void need(std::string_view any) { fine = one_of(any) && fine; }
};

std::int64_t fraction(Reader& reader) {
  std::int64_t value = 0, unit = 100'000'000;
  std::size_t count = 0;
  for (; !reader.text.empty() && reader.text.front() >= '0' && reader.text.front() <= '9'; ++count) {
    value += (reader.text.front() - '0') * unit;
    unit /= 10;
    reader.text.remove_prefix(1);
  }
  reader.fine = reader.fine && count > 0;
  return value;
}

std::chrono::minutes offset(Reader& reader) {
  if (reader.text.empty() || reader.one_of("Zz")) return {};
  const bool west = reader.text.front() == '-';
  reader.need("+-");
  const int hours = reader.digits(2);
  reader.one_of(":");
  const int minutes = reader.digits(2);
  reader.fine = reader.fine && hours < 24 && minutes < 60;
  return std::chrono::minutes((west ? -1 : 1) * (hours * 60 + minutes));
}

}  // namespace

std::optional<WallTime> parse_timestamp(std::string_view text) {
  Reader r{text};
  const int year = r.digits(4);
  r.need("-");
  const auto month = static_cast<unsigned>(r.digits(2));
  r.need("-");
  const auto day = static_cast<unsigned>(r.digits(2));
  if (!r.fine) {
    const auto number = parse_json_number(text);
    return number.kind == JsonValue::Kind::number ? timestamp_of(number.number) : std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
  if (!date.ok() || year < 1678 || year > 2261) return std::nullopt;
  Duration time = std::chrono::sys_days(date).time_since_epoch();
  if (r.text.empty()) return WallTime(time);
  r.need("Tt ");
  const int hour = r.digits(2);
  r.need(":");
  const int minute = r.digits(2);
  r.need(":");
  const int second = r.digits(2);
  if (r.one_of(".,")) time += Duration(fraction(r));
  const auto zone = offset(r);
  if (!r.fine || !r.text.empty() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  return WallTime(time + std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second) - zone);
}

std::optional<WallTime> timestamp_of(long double number) {
  const auto size = std::fabs(number);
  const long double unit = size >= 1e17L ? 1 : size >= 1e14L ? 1e3L : size >= 1e11L ? 1e6L : 1e9L;
  const auto nanoseconds = number * unit;
  if (!(std::fabs(nanoseconds) < 9.2e18L)) return std::nullopt;
  // A double of seconds is exact to 0.2 us only: its noise is not to be written.
  const bool noisy = unit > 1 && nanoseconds != std::trunc(nanoseconds / 1e9L) * 1e9L;
  const auto whole = noisy ? std::llround(nanoseconds / 1e3L) * 1000 : std::llround(nanoseconds);
  return WallTime(Duration(whole));
}

void append_rfc3339(WallTime when, std::string& out) {
  const auto day = std::chrono::floor<std::chrono::days>(when);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(when - day);
  char text[32];
  std::size_t length = 0;
  const auto put = [&](std::int64_t value, int digits, char behind) {
    for (int i = digits; i-- > 0; value /= 10)
      text[length + static_cast<std::size_t>(i)] = static_cast<char>('0' + value % 10);
    length += static_cast<std::size_t>(digits);
    text[length++] = behind;
  };
  put(static_cast<int>(date.year()), 4, '-');
  put(static_cast<unsigned>(date.month()), 2, '-');
  put(static_cast<unsigned>(date.day()), 2, 'T');
  put(clock.hours().count(), 2, ':');
  put(clock.minutes().count(), 2, ':');
  put(clock.seconds().count(), 2, '.');
  const auto rest = clock.subseconds().count();
  if (rest % 1'000'000 == 0) {
    put(rest / 1'000'000, 3, 'Z');
  } else if (rest % 1000 == 0) {
    put(rest / 1000, 6, 'Z');
  } else {
    put(rest, 9, 'Z');
  }
  out.append(text, length);
}

}  // namespace weir
