#include "bb/io/gzip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <new>

#include "bb/io/input_file.h"

namespace bb::io {
namespace {

constexpr size_t kBufferBytes = size_t{64} << 10;
constexpr int kGzipWindow = 15 + 16;  // the largest window; gzip alone, not zlib's own wrapper

}  // namespace

struct GzipReader::State {
  State(std::string_view op, const std::string& path) : file(op, path) {
    more();
    is_gzip = end - begin >= 2 && buffer[0] == 0x1f && buffer[1] == 0x8b;
    if (is_gzip && inflateInit2(&stream, kGzipWindow) != Z_OK) throw std::bad_alloc();
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (is_gzip) inflateEnd(&stream);
  }

  /// True where bytes are left; reads on where the buffer is used up.
  bool more() {
    if (begin < end) return true;
    begin = 0;
    end = file.read(buffer.data(), buffer.size());
    consumed += static_cast<int64_t>(end);
    return end > 0;
  }
  /// Of the next byte in the file.
  int64_t offset() const { return consumed - static_cast<int64_t>(end - begin); }

  size_t read_plain(unsigned char* out, size_t bytes) {
    size_t done = 0;
    while (done < bytes && more()) {
      const size_t n = std::min(bytes - done, end - begin);
      std::memcpy(out + done, buffer.data() + begin, n);
      begin += n;
      done += n;
    }
    return done;
  }

  size_t read_gzip(unsigned char* out, size_t bytes) {
    size_t done = 0;
    while (done < bytes) {
      if (between_members) {
        if (!more()) break;
        if (buffer[begin] != 0x1f)
          file.fail("bytes follow the end of the gzip data",
                    fmt::format("offset {} of {}", offset(), file.size()));
        inflateReset(&stream);
        between_members = false;
      }
      if (!more())
        file.fail("the gzip data ends early",
                  fmt::format("offset {}: expected more, found the end of the file", offset()));
      done += inflate_some(out + done, bytes - done);
    }
    return done;
  }

  size_t inflate_some(unsigned char* out, size_t bytes) {
    const uInt room = static_cast<uInt>(std::min<size_t>(bytes, std::numeric_limits<uInt>::max()));
    stream.next_in = buffer.data() + begin;
    stream.avail_in = static_cast<uInt>(end - begin);
    stream.next_out = out;
    stream.avail_out = room;
    const int result = inflate(&stream, Z_NO_FLUSH);
    begin = end - stream.avail_in;
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
      file.fail("the gzip data is corrupted",
                fmt::format("offset {}: {}", offset(), stream.msg ? stream.msg : "not gzip data"));
    between_members = result == Z_STREAM_END;
    return room - stream.avail_out;
  }

  detail::InputFile file;
  bool is_gzip = false;
  bool between_members = false;
  z_stream stream{};
  std::array<unsigned char, kBufferBytes> buffer;  // file bytes [begin, end) are still to be used
  size_t begin = 0;
  size_t end = 0;
  int64_t consumed = 0;
};

GzipReader::GzipReader(std::string_view op, const std::string& path)
    : state_(std::make_unique<State>(op, path)) {}
GzipReader::~GzipReader() = default;

size_t GzipReader::read(void* out, size_t bytes) {
  unsigned char* first = static_cast<unsigned char*>(out);
  return state_->is_gzip ? state_->read_gzip(first, bytes) : state_->read_plain(first, bytes);
}

bool GzipReader::is_gzip() const { return state_->is_gzip; }
int64_t GzipReader::file_size() const { return state_->file.size(); }
void GzipReader::fail(std::string_view rule, std::string_view details) const {
  state_->file.fail(rule, details);
}

}  // namespace bb::io
