#include <quipu/ffn/form_cache.hpp>

#include <memory>
#include <stdexcept>

#include <catch2/catch.hpp>

TEST_CASE("a form is found while somebody holds it", "[ffn][form_cache]") {
  quipu::ffn::form_cache cache;
  int made = 0;
  const auto make = [&] { return std::make_shared<const int>(++made); };
  auto first = cache.get<int>(0, 0, make);
  CHECK(cache.get<int>(0, 0, make) == first);
  CHECK(made == 1);
  const auto other_layer = cache.get<int>(1, 0, make), other_variant = cache.get<int>(0, 7, make);
  CHECK(made == 3);
  const auto other_type = cache.get<double>(0, 0, [] { return std::make_shared<const double>(0.5); });
  CHECK(*other_type == 0.5);
  CHECK(*cache.get<int>(0, 0, make) == 1);
  first = nullptr;  // nobody holds it
  CHECK(*cache.get<int>(0, 0, make) == 4);
  CHECK_THROWS_AS(cache.get<char>(0, 0, []() -> std::shared_ptr<const char> { throw std::runtime_error("made in vain"); }), std::runtime_error);
  CHECK(*cache.get<char>(0, 0, [] { return std::make_shared<const char>('x'); }) == 'x');
}
