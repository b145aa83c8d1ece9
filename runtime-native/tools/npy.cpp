// Reads and writes .npy: magic, version, a header that is a Python dictionary, the bytes.
#include "npy.h"

#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace dlc {
namespace {

struct Descr {
  dlc_dtype dtype;
  std::string_view text;
  size_t bytes;
};
// NumPy has no bf16: its bits go as u2.
constexpr Descr kDescrs[] = {{DLC_F32, "<f4", 4}, {DLC_F64, "<f8", 8}, {DLC_BF16, "<u2", 2}, {DLC_U8, "|u1", 1},
                             {DLC_I32, "<i4", 4}, {DLC_I64, "<i8", 8}, {DLC_BOOL, "|b1", 1}};

[[noreturn]] void bad(const std::filesystem::path &path, const std::string &what) {
  throw NpyError(path.string() + ": " + what);
}

// The text after `'key':`, without leading spaces.
std::string_view value_of(const std::filesystem::path &path, std::string_view header, std::string_view key) {
  const std::string quoted = "'" + std::string(key) + "':";
  const size_t at = header.find(quoted);
  if (at == std::string_view::npos) bad(path, "the header lacks '" + std::string(key) + "'");
  header.remove_prefix(at + quoted.size());
  const size_t text = header.find_first_not_of(' ');
  return text == std::string_view::npos ? std::string_view() : header.substr(text);
}

std::vector<int64_t> parse_shape(const std::filesystem::path &path, std::string_view text) {
  if (!text.starts_with('(')) bad(path, "the shape is no tuple");
  std::vector<int64_t> shape;
  text.remove_prefix(1);
  for (;;) {
    const size_t at = text.find_first_not_of(", ");
    if (at == std::string_view::npos) bad(path, "the shape does not end");
    text.remove_prefix(at);
    if (text.starts_with(')')) return shape;
    int64_t extent = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), extent);
    if (error != std::errc() || extent < 0) bad(path, "the shape holds something else than sizes");
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    shape.push_back(extent);
  }
}

}  // namespace

NpyArray read_npy(const std::filesystem::path &path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) bad(path, "can't be opened");
  unsigned char start[12] = {};
  file.read(reinterpret_cast<char *>(start), 10);
  if (!file || std::memcmp(start, "\x93NUMPY", 6) != 0) bad(path, "is no .npy file");
  size_t header_bytes = start[8] | start[9] << 8;
  if (start[6] >= 2) {
    file.read(reinterpret_cast<char *>(start + 10), 2);
    header_bytes |= static_cast<size_t>(start[10]) << 16 | static_cast<size_t>(start[11]) << 24;
  }
  if (!file || header_bytes > (1u << 20)) bad(path, "has an impossible header");
  std::string header(header_bytes, '\0');
  if (!file.read(header.data(), static_cast<std::streamsize>(header_bytes))) bad(path, "ends within its header");

  NpyArray array;
  const std::string_view descr = value_of(path, header, "descr");
  const Descr *type = nullptr;
  for (const Descr &known : kDescrs)
    if (descr.substr(1, 3) == known.text || (known.bytes == 1 && descr.substr(2, 2) == known.text.substr(1)))
      type = &known;
  if (!type) bad(path, "holds a type that is not known here: " + std::string(descr.substr(0, 6)));
  if (!value_of(path, header, "fortran_order").starts_with("False")) bad(path, "is in column-major order");
  array.dtype = type->dtype;
  array.shape = parse_shape(path, value_of(path, header, "shape"));
  uint64_t bytes = type->bytes;
  for (const int64_t extent : array.shape)
    if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(extent), &bytes)) bad(path, "is of impossible size");
  const std::uintmax_t size = std::filesystem::file_size(path);
  if (size - static_cast<std::uintmax_t>(file.tellg()) != bytes) bad(path, "does not hold what its shape says");
  array.data.resize(bytes);
  file.read(reinterpret_cast<char *>(array.data.data()), static_cast<std::streamsize>(bytes));
  if (!file) bad(path, "can't be read");
  return array;
}

void write_npy(const std::filesystem::path &path, const NpyArray &array) {
  std::string shape;
  for (const int64_t extent : array.shape) shape += std::to_string(extent) + ", ";
  if (array.shape.size() > 1) shape.resize(shape.size() - 2);
  std::string header =
      "{'descr': '" + std::string(kDescrs[array.dtype].text) + "', 'fortran_order': False, 'shape': (" + shape + "), }";
  // With the newline the data begins at a multiple of 64.
  while ((10 + header.size() + 1) % 64) header += ' ';
  header += '\n';
  std::ofstream file(path, std::ios::binary);
  file.write("\x93NUMPY\x01\x00", 8);
  const char length[2] = {static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};
  file.write(length, 2);
  file.write(header.data(), static_cast<std::streamsize>(header.size()));
  file.write(reinterpret_cast<const char *>(array.data.data()), static_cast<std::streamsize>(array.data.size()));
  file.close();
  if (!file) bad(path, "can't be written");
}

}  // namespace dlc
