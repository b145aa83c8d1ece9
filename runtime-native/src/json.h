// Writes the JSON of the describe calls: objects and lists in order, strings escaped. Not a general library.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dlc {

class JsonWriter {
 public:
  JsonWriter &open(char bracket);   // '{' or '['
  JsonWriter &close(char bracket);  // '}' or ']'
  JsonWriter &key(std::string_view name);
  JsonWriter &value(std::string_view text);
  JsonWriter &value(const char *text) { return value(std::string_view(text)); }
  JsonWriter &value(int64_t number);
  JsonWriter &boolean(bool truth);

  const std::string &text() const { return text_; }

 private:
  void separate();
  void quote(std::string_view text);

  std::string text_;
  bool first_ = true;
};

}  // namespace dlc
