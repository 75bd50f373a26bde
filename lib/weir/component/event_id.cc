#include <weir/component/event_id.h>

namespace weir {

void append_own_id(std::string& out, const Batch& batch, std::uint32_t event) {
  const auto place = batch.place_of(event);
  if (place) out.append(place->name).push_back('/');
  out += std::to_string(place ? place->position : batch.id(event));
  if (place && place->mark) out.append("/").append(std::to_string(*place->mark));
}

}  // namespace weir
