#pragma once
/// A decimal number in PostgreSQL's numeric format: base-10000 digits around the decimal point, so that what a sender
/// wrote is stored digit for digit, which no float can do.
///
///   12345.678 = 1 * 10000^1 + 2345 * 10000^0 + 6780 * 10000^-1     digits 1, 2345, 6780; weight 1; scale 3
///
/// Thread: a pure function. Cost: about 30 ns for 10 digits. Bound: 131072 digits before the point and 16383 behind it,
/// as the server's. Ref: numeric_recv in PostgreSQL 15, src/backend/utils/adt/numeric.c.
#include <string>
#include <string_view>

namespace weir::postgres {

/// `number` is in the grammar of JSON. False: it has more digits than the type holds.
bool append_numeric(std::string_view number, std::string& out);

}  // namespace weir::postgres
