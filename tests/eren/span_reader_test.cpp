// Answers that are copied from notes: where spans begin and end, the draft changes nothing, chains of two notes.
#include <algorithm>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/eren/editor.hpp>
#include <quipu/eren/reading/best_passages.hpp>
#include <quipu/eren/reading/note_spans.hpp>
#include <quipu/eren/reading/span_reader.hpp>
#include <quipu/eren/reading/span_writer.hpp>
#include <quipu/llama/language_model.hpp>
#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/memory_store.hpp>

#include "support/byte_model.hpp"
#include "support/scripted_model.hpp"

namespace quipu_span_reader_test {

using namespace quipu;
using strings = std::vector<std::string>;
using scripted = eren::reading_session<test::scripted_model>;

// All spans, as the definition says.
strings spans_of(const eren::note_spans& spans) {
  strings all;
  for (const std::size_t begin : spans.begins()) {
    for (std::size_t end = begin + 1; end <= begin + spans.rest(begin).size(); ++end) {
      if (spans.may_end(end)) all.push_back(spans.text().substr(begin, end - begin));
    }
  }
  return all;
}

bool has(const strings& all, const char* one) { return std::find(all.begin(), all.end(), one) != all.end(); }

TEST_CASE("spans are runs of whole words, in scripts without blanks of letters", "[eren][span_reader]") {
  const strings english = spans_of(eren::note_spans(strings{"It takes 35 minutes (\"ab\"), +49 170 55"}));
  for (const char* one : {"35", "35 minutes", "ab", "+49 170 55", "49 170", "It takes 35 minutes (\"ab\"), +49 170 55", "It"}) {
    CAPTURE(one);
    CHECK(has(english, one));
  }
  for (const char* one : {"3", "minute", " 35", "35 ", ") ", "", ", +49"}) {
    CAPTURE(one);
    CHECK_FALSE(has(english, one));
  }
  const strings chinese = spans_of(eren::note_spans(strings{"他住在北京。"}));
  CHECK(has(chinese, "北京"));
  CHECK(has(chinese, "在北"));
  CHECK_FALSE(has(chinese, "。"));
  CHECK_FALSE(has(chinese, "\xe5"));
  const strings marked = spans_of(eren::note_spans(strings{"Cafe\u0301 Ole\u0301"}));
  CHECK(has(marked, "Cafe\u0301"));
  CHECK_FALSE(has(marked, "Cafe"));
  const strings two = spans_of(eren::note_spans(strings{"one two", "three"}));
  CHECK(has(two, "one two"));
  CHECK(has(two, "three"));
  CHECK(two.size() == 4);
  CHECK(spans_of(eren::note_spans(strings{" \t", ""})).empty());
}

TEST_CASE("the model's own words come out whole, and nothing else can", "[eren][span_reader]") {
  const test::scripted_model model({{{"Question: How long"}, " 35 minutes"}, {{"Question: Who"}, " Carol"}},
                                   "no idea");
  scripted session{model};
  const eren::basic_span_reader<> reader;
  const strings notes = {"The trip takes 35 minutes on foot"};
  const std::vector<eren::reading_task> tasks = {{"How long is it?", notes}, {"Who goes?", notes}, {"Empty?", {"..."}}};
  const auto read = reader.read(session, tasks);
  CHECK(read[0].answer == "35 minutes");
  CHECK_FALSE(read[0].abstained);
  CHECK(read[0].n_token == 11);
  CHECK(std::string("The trip takes 35 minutes on foot").find(read[1].answer) != std::string::npos);
  CHECK_FALSE(read[1].answer.empty());
  CHECK(read[1].log_p_answer < read[0].log_p_answer - 5);
  CHECK(read[2].abstained);
}

// Greedy, one token at a time, among the spans as texts: what the writer must give with any draft.
template <class Session>
eren::written_span by_hand(Session& session, const std::vector<token_id>& prompt, const strings& all_spans) {
  const auto& tokenizer = session.tokenizer();
  eren::written_span out;
  std::string written;
  double log_p = 0;
  for (std::size_t n = 0;; ++n) {
    std::vector<token_id> tokens = prompt;
    for (const char c : written) tokens.push_back(static_cast<unsigned char>(c));
    const std::vector<std::vector<token_id>> prompts = {tokens};
    const eren::prompt_batch<Session> batch(session, prompts, {});
    const auto& logits = batch.states().front().logits;
    const std::span<const float> row(logits.data(), logits.size());
    token_id best = no_token;
    bool may_end = false;
    for (const std::string& span : all_spans) {
      const std::string whole = " " + span;
      may_end = may_end || whole == written;
      if (whole.size() <= written.size() || !whole.starts_with(written)) continue;
      const token_id next = static_cast<unsigned char>(whole[written.size()]);
      if (best == no_token || row[static_cast<std::size_t>(next)] > row[static_cast<std::size_t>(best)]) best = next;
    }
    const token_id end = tokenizer.eos();
    if (may_end) {
      out = {written.substr(1), log_p + llama::log_probability(row, end), n};
      if (best == no_token || row[static_cast<std::size_t>(end)] >= row[static_cast<std::size_t>(best)]) return out;
    }
    log_p += llama::log_probability(row, best);
    written += static_cast<char>(best);
  }
}

TEST_CASE("drafts of any length give the span that one token at a time gives", "[eren][span_reader]") {
  const auto model = test::byte_model({.d_model = 32, .n_layer = 2, .n_ctx = 256});
  using session_type = eren::reading_session<std::remove_const_t<decltype(model)>>;
  session_type session{model};
  const std::vector<strings> notes = {{"ab cd ef"}, {"the cat sat on the mat", "a cat"}, {"x"}, {"aa aa aa ab"}, {"über 北京"}};
  std::vector<std::vector<token_id>> prompts;
  std::vector<eren::note_spans> spans;
  for (std::size_t i = 0; i < notes.size(); ++i) {
    prompts.push_back(model.tokenizer().encode("Question " + std::to_string(i) + ":", text::special::plain));
    spans.emplace_back(notes[i]);
  }
  for (const std::size_t n_draft : {0, 1, 3, 8}) {
    const eren::prompt_batch<session_type> batch(session, prompts, {});
    const auto written = eren::write_spans(session, batch.states(), std::span<const eren::note_spans>(spans),
                                           {.max_tokens = 64, .n_draft = n_draft});
    for (std::size_t i = 0; i < notes.size(); ++i) {
      CAPTURE(n_draft, i);
      const eren::written_span expected = by_hand(session, prompts[i], spans_of(spans[i]));
      CHECK(written[i].text == expected.text);
      CHECK(written[i].n_token == expected.n_token);
      CHECK(written[i].log_p == Approx(expected.log_p).epsilon(1e-5));
    }
  }
}

TEST_CASE("of long notes the passage is read that the question asks about", "[eren][span_reader]") {
  std::string note;
  for (int i = 0; i < 40; ++i) note += "In year " + std::to_string(1000 + i) + " the town of Voss counted " + std::to_string(7 * i) + " houses. ";
  note += "The capital of Norway is Bergen. The king lives by the sea.";
  const auto idf = [](std::string_view) { return 1.0; };
  const auto capital = eren::best_passages("What is the capital of Norway?", note, idf);
  REQUIRE(capital.size() == 1);
  CHECK(capital[0].find("Bergen") != std::string_view::npos);
  CHECK(capital[0].size() <= notes::passage_options().n_byte);
  const auto year = eren::best_passages("How many houses were there in 1017?", note, idf, 2);
  REQUIRE(year.size() == 2);
  CHECK(year[0].find("119 houses") != std::string_view::npos);
  CHECK((year[1].data() >= year[0].data() + year[0].size() || year[1].data() + year[1].size() <= year[0].data()));
  CHECK(eren::best_passages("anything", "A short note.", idf) == std::vector<std::string_view>{"A short note."});
  CHECK(eren::best_passages("anything", "  ", idf).empty());
}

TEST_CASE("where no note alone answers, the first one leads to a second", "[eren][span_reader]") {
  const std::string first = "The mayor of Vossburg is Tilda Marn", second = "Tilda Marn was born in Orvik";
  // Alone, each note leaves the question open, and the reader would sooner say the name than anything else.
  const test::scripted_model model({{{first, second, "Question: Where was the mayor"}, " Orvik"},
                                    {{first, "Question: Who is the mayor"}, " Tilda Marn"},
                                    {{first, "Question: Where was the mayor"}, " unanswerable"},
                                    {{second, "Question: Where was the mayor"}, " unanswerable"}},
                                   " unanswerable");
  using editor_type = eren::editor<test::scripted_model, notes::memory_store, notes::bm25_retriever, eren::basic_span_reader<>>;
  editor_type editor(model, notes::memory_store(), notes::bm25_retriever(), {}, {}, {.n_note = 1});
  editor.add_note("The mayor of Vossburg is Tilda Marn.");
  editor.add_note("The mayor of Altheim is Otto Brandt.");
  const auto born = notes::note_id{editor.add_note("Tilda Marn was born in Orvik.").id};
  const auto one = editor.answer("Who is the mayor of Vossburg?");
  CHECK(one.text == "Tilda Marn");
  CHECK_FALSE(one.trace.joint);
  const auto two = editor.answer("Where was the mayor of Vossburg born?");
  CHECK(two.source == eren::read_note);
  CHECK(two.text == "Orvik");
  CHECK(two.notes == std::vector<notes::note_id>{1, born});
  CHECK(two.trace.joint);
  CHECK_FALSE(two.trace.bridge.empty());
  editor.erase(born);
  CHECK(editor.answer("Where was the mayor of Vossburg born?").source == eren::own_knowledge);
}

}  // namespace quipu_span_reader_test
