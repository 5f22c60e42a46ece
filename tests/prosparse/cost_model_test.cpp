#include <quipu/prosparse/cost_model.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

#include <catch2/catch.hpp>

namespace prosparse = quipu::prosparse;
using prosparse::skipping;

namespace {

// Whether a figure rounds to what a table prints.
bool prints(double value, double printed, int decimals) {
  const double unit = std::pow(10.0, -decimals);
  return std::abs(value - printed) <= 0.5 * unit * (1 + 1e-9);
}

quipu::io::model_config llama2(std::size_t d_model, std::size_t d_ffn, std::size_t n_layer, std::size_t n_head) {
  quipu::io::model_config c;
  c.d_model = d_model, c.d_ffn = d_ffn, c.n_layer = n_layer, c.n_head = c.n_kv_head = n_head, c.d_head = 128, c.n_vocab = 32000;
  return c;
}

struct table_row {
  double bytes;  // of a weight
  skipping how;
  double mb_layer, ffn_gain, gb_token, gain, per_second;
};

void check_table(const prosparse::model_shape& m, const prosparse::activity_shares& a, const std::vector<table_row>& rows) {
  for (const table_row& row : rows) {
    INFO(prosparse::name_of(row.how) << " at " << row.bytes << " bytes");
    const auto of = [&](skipping how) { return prosparse::ffn_bytes(how, m, row.bytes, a); };
    const double ffn = of(row.how), token = prosparse::token_bytes(m, ffn, row.bytes, row.bytes);
    CHECK(prints(ffn / 1e6, row.mb_layer, 1));
    CHECK(prints(of(skipping::dense) / ffn, row.ffn_gain, 2));
    CHECK(prints(token / 1e9, row.gb_token, 3));
    CHECK(prints(prosparse::token_bytes(m, of(skipping::dense), row.bytes, row.bytes) / token, row.gain, 2));
    CHECK(prints(33e9 / token, row.per_second, 2));  // of memory that gives 33 GB/s
  }
}

const prosparse::model_shape seven = prosparse::model_shape::of(llama2(4096, 11008, 32, 32));
const prosparse::model_shape thirteen = prosparse::model_shape::of(llama2(5120, 13824, 40, 40));
const prosparse::activity_shares shares7{.active = 0.1068, .predicted = 0.2125, .recall = 0.9234};
const prosparse::activity_shares shares13{.active = 0.1120, .predicted = 0.2172, .recall = 0.9111};

}  // namespace

TEST_CASE("bytes of a token in ProSparse-7B and 13B to the printed digits", "[prosparse][cost_model]") {
  check_table(seven, shares7, {
      {2, skipping::dense, 270.5, 1.00, 13.214, 1.00, 2.50},
      {2, skipping::gate_first, 109.4, 2.47, 8.059, 1.64, 4.09},
      {2, skipping::power_infer, 78.2, 3.46, 7.058, 1.87, 4.68},
      {2, skipping::predicted_gate, 67.9, 3.99, 6.729, 1.96, 4.90},
      {2, skipping::low_rank, 72.1, 3.75, 6.864, 1.93, 4.81},
      {2, skipping::certified, 60.7, 4.46, 6.499, 2.03, 5.08},
      {2, skipping::sign_bits, 47.4, 5.70, 6.075, 2.18, 5.43},
      {2, skipping::oracle, 28.9, 9.36, 5.482, 2.41, 6.02},
      {1, skipping::dense, 135.3, 1.00, 6.607, 1.00, 4.99},
      {1, skipping::gate_first, 54.7, 2.47, 4.030, 1.64, 8.19},
      {1, skipping::power_infer, 39.1, 3.46, 3.529, 1.87, 9.35},
      {1, skipping::predicted_gate, 33.9, 3.99, 3.365, 1.96, 9.81},
      {1, skipping::low_rank, 36.0, 3.75, 3.432, 1.93, 9.62},
      {1, skipping::certified, 40.5, 3.34, 3.575, 1.85, 9.23},
      {1, skipping::oracle, 14.4, 9.36, 2.741, 2.41, 12.04},
      {0.5625, skipping::dense, 76.1, 1.00, 3.716, 1.00, 8.88},
      {0.5625, skipping::gate_first, 30.8, 2.47, 2.267, 1.64, 14.56},
      {0.5625, skipping::power_infer, 22.0, 3.46, 1.985, 1.87, 16.62},
      {0.5625, skipping::predicted_gate, 19.1, 3.99, 1.893, 1.96, 17.44},
      {0.5625, skipping::oracle, 8.1, 9.36, 1.542, 2.41, 21.40},
  });
  auto six_sigma = shares7;
  six_sigma.uncertain = 0.275;
  check_table(seven, six_sigma, {{1, skipping::certified, 39.2, 3.45, 3.534, 1.87, 9.34}});
  check_table(thirteen, shares13, {
      {2, skipping::dense, 424.7, 1.00, 25.703, 1.00, 1.28},
      {2, skipping::gate_first, 173.3, 2.45, 15.647, 1.64, 2.11},
      {2, skipping::power_infer, 114.7, 3.70, 13.306, 1.93, 2.48},
      {2, skipping::predicted_gate, 98.4, 4.31, 12.654, 2.03, 2.61},
      {2, skipping::certified, 97.5, 4.36, 12.615, 2.04, 2.62},
      {2, skipping::oracle, 47.6, 8.93, 10.619, 2.42, 3.11},
      {1, skipping::dense, 212.3, 1.00, 12.852, 1.00, 2.57},
      {1, skipping::gate_first, 86.6, 2.45, 7.823, 1.64, 4.22},
      {1, skipping::power_infer, 57.4, 3.70, 6.653, 1.93, 4.96},
      {1, skipping::predicted_gate, 49.2, 4.31, 6.327, 2.03, 5.22},
      {1, skipping::certified, 64.3, 3.30, 6.932, 1.85, 4.76},
      {1, skipping::oracle, 23.8, 8.93, 5.309, 2.42, 6.22},
      {0.5625, skipping::dense, 119.4, 1.00, 7.229, 1.00, 4.56},
      {0.5625, skipping::gate_first, 48.7, 2.45, 4.401, 1.64, 7.50},
      {0.5625, skipping::power_infer, 32.3, 3.70, 3.742, 1.93, 8.82},
      {0.5625, skipping::predicted_gate, 27.7, 4.31, 3.559, 2.03, 9.27},
      {0.5625, skipping::oracle, 13.4, 8.93, 2.987, 2.42, 11.05},
  });
}

TEST_CASE("bytes of mixed precisions to the printed digits", "[prosparse][cost_model]") {
  constexpr double int4 = 0.5625, split_head = 0.515;
  const auto check = [](const prosparse::model_shape& m, const prosparse::activity_shares& a, double certified, double gate_first, double int4_gate, double all_int4) {
    const auto token = [&](double ffn, double head) { return prosparse::token_bytes(m, ffn, int4, head) / 1e9; };
    CHECK(prints(token(prosparse::ffn_bytes(skipping::gate_first, m, 1, a), split_head), gate_first, 3));
    CHECK(prints(token(prosparse::ffn_bytes(skipping::certified, m, 1, a), split_head), certified, 3));
    CHECK(prints(token(prosparse::threshold_ffn_bytes(m, int4, 1, 1, a.active, a.active), split_head), int4_gate, 3));
    CHECK(prints(token(prosparse::ffn_bytes(skipping::gate_first, m, int4, a), int4), all_int4, 3));
  };
  check(seven, shares7, 2.572, 3.026, 2.395, 2.267);
  check(thirteen, shares13, 5.017, 5.909, 4.670, 4.401);
}

TEST_CASE("bytes of a batch whose tokens share rows", "[prosparse][cost_model]") {
  // Unions of consecutive tokens to four digits; the table's own have three, so that its last digit may be off by one.
  struct {
    double n, share, gb_step, gb_token, gain;
  } const rows[] = {{1, .1081, 4.033, 4.033, 1.64}, {2, .1777, 4.234, 2.117, 1.56},  {4, .2826, 4.537, 1.134, 1.46},
                    {8, .4256, 4.950, .619, 1.33},  {16, .5895, 5.423, .339, 1.22}, {32, .7555, 5.902, .184, 1.12}};
  const double dense = prosparse::token_bytes(seven, prosparse::ffn_bytes(skipping::dense, seven, 1, {}), 1, 1);
  for (const auto& row : rows) {
    const double step = prosparse::token_bytes(seven, prosparse::union_ffn_bytes(seven, 1, row.share), 1, 1);
    CHECK(std::abs(step / 1e9 - row.gb_step) < 0.001);
    CHECK(prints(step / 1e9 / row.n, row.gb_token, 3));
    CHECK(prints(dense / step, row.gain, 2));
  }
}
