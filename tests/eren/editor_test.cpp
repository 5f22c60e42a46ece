// The editor's logic on a scripted model: when notes are used, when the unedited model is asked, and how.
#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/eren/editor.hpp>
#include <quipu/eren/gate/fitted_gate.hpp>
#include <quipu/eren/gate_workshop.hpp>
#include <quipu/eren/reading/generating_reader.hpp>
#include <quipu/eren/reading/option_reader.hpp>
#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/memory_store.hpp>
#include <quipu/notes/sqlite_store.hpp>
#include <quipu/notes/two_hop.hpp>

#include "support/scripted_model.hpp"
#include "support/temp_folder.hpp"

using namespace quipu;
using strings = std::vector<std::string>;

namespace {

template <class Reader, class Gate = typename Reader::default_gate, class Retriever = notes::bm25_retriever>
using scripted_editor = eren::editor<test::scripted_model, notes::memory_store, Retriever, Reader, Gate>;

test::scripted_model norway() {
  return test::scripted_model({{{"capital of Norway is Bergen", "What is the capital of Norway"}, " Bergen"},
                               {{"Read this"}, " unanswerable"},
                               {{"Notes:"}, " unanswerable"},
                               {{"What is the capital of Norway"}, "Oslo, of course"},
                               {{"Hamlet"}, "Shakespeare"}},
                              "no idea");
}

// Applies what the reader is sure enough of: as simple as a gate of one's own can be.
struct confident_gate {
  double least = -1;
  bool worth_reading(const eren::gate_evidence& e) const { return e.retrieval.bm25 > 0; }
  template <class Session>
  eren::gate_decision decide(Session&, const eren::gate_evidence& e) const {
    const bool sure = e.read.log_p_answer > least;
    return {sure, sure ? 0.9 : 0.1, e.read.log_p_answer};
  }
};

std::vector<std::string> direct_prompts(const test::script_log& log, const std::string& question) {
  std::vector<std::string> found;
  for (const std::string& asked : log.asked) {
    if (asked == "\1" + question) found.push_back(asked);
  }
  return found;
}

}  // namespace

TEST_CASE("two steps: a note's answer without a second prompt, an abstention with exactly one", "[eren][editor]") {
  const auto model = norway();
  scripted_editor<eren::two_step_reader> editor{model, notes::memory_store()};
  const auto added = editor.add_note("The capital of Norway is Bergen.");
  const auto a = editor.answer("What is the capital of Norway?");
  CHECK(a.text == "Bergen");
  CHECK(a.source == eren::answer_source::read_note);
  CHECK(a.notes == std::vector<notes::note_id>{added.id});
  CHECK(direct_prompts(model.log(), "What is the capital of Norway?").empty());

  model.log().asked.clear();
  const auto b = editor.answer("Who lived in Norway?");
  CHECK(b.source == eren::answer_source::own_knowledge);
  CHECK(b.text == "no idea");
  CHECK(b.notes.empty());
  CHECK(direct_prompts(model.log(), "Who lived in Norway?").size() == 1);
}

TEST_CASE("without notes, and with none that shares a word, only the plain path is run", "[eren][editor]") {
  const auto model = norway();
  scripted_editor<eren::extractive_reader, confident_gate> editor{model, notes::memory_store()};
  const std::string question = "Who wrote Hamlet?";
  const auto plain = [&] {
    auto s = open_session(model);
    const auto prompt = editor.application_ids(question);
    return llama::generate(s, model.tokenizer(), s.create(), prompt).text;
  }();
  CHECK(plain == "Shakespeare");
  model.log() = {};
  CHECK(editor.answer(question).text == plain);
  const std::size_t cost = model.log().n_token;
  CHECK(cost == question.size() + 1 + plain.size());  // bos, and every byte once
  editor.add_note("The capital of Norway is Bergen.");
  model.log() = {};
  const auto a = editor.answer(question);
  CHECK(a.text == plain);
  CHECK(model.log().n_token == cost);
  CHECK(a.trace.candidates.empty());
}

TEST_CASE("a gate's quick refusal keeps the reader away", "[eren][editor]") {
  const auto model = norway();
  struct closed_gate : confident_gate {
    bool worth_reading(const eren::gate_evidence&) const { return false; }
  };
  scripted_editor<eren::extractive_reader, closed_gate> editor{model, notes::memory_store()};
  editor.add_note("The capital of Norway is Bergen.");
  model.log() = {};
  const auto a = editor.answer("What is the capital of Norway?");
  CHECK(a.text == "Oslo, of course");
  REQUIRE(a.trace.candidates.size() == 1);
  CHECK_FALSE(a.trace.candidates[0].worth_reading);
  CHECK_FALSE(a.trace.candidates[0].read.done);
  CHECK(std::none_of(model.log().asked.begin(), model.log().asked.end(),
                     [](const std::string& t) { return t.find("Notes:") != std::string::npos; }));
}

TEST_CASE("notes are added, changed, superseded, erased and taken back; answers follow", "[eren][editor]") {
  const auto model = test::scripted_model({{{"Norway is Bergen", "Question: What is the capital"}, " Bergen"},
                                           {{"Norway is Trondheim", "Question: What is the capital"}, " Trondheim"},
                                           {{"Notes:"}, " unanswerable"},
                                           {{"capital of Norway"}, "Oslo"}});
  scripted_editor<eren::extractive_reader, confident_gate> editor{
      model, notes::memory_store(), {.wall_clock = [] { return time_ms{1000}; }}};
  const std::string question = "What is the capital of Norway?";
  const std::string before = editor.answer(question).text;
  CHECK(before == "Oslo");
  const auto id = editor.add_note("The capital of Norway is Bergen.").id;
  CHECK(editor.answer(question).text == "Bergen");
  CHECK(editor.add_note("the capital of norway is  Bergen").outcome == notes::add_outcome::duplicate);
  CHECK(editor.update(id, "The capital of Norway is Trondheim."));
  CHECK(editor.answer(question).text == "Trondheim");
  editor.undo();
  CHECK(editor.answer(question).text == "Bergen");
  const auto next = editor.supersede(id, "The capital of Norway is Trondheim.");
  const auto a = editor.answer(question);
  CHECK(a.text == "Trondheim");
  CHECK(a.notes == std::vector<notes::note_id>{next});
  CHECK(editor.history(id).size() >= 2);
  CHECK(editor.erase(next));
  CHECK_FALSE(editor.erase(next));
  CHECK(editor.answer(question).text == before);
  editor.undo();
  CHECK(editor.answer(question).text == "Trondheim");
  editor.undo_to(0);
  CHECK(editor.size() == 0);
  CHECK(editor.answer(question).text == before);
  CHECK_THROWS_AS(editor.undo(100), config_error);
  CHECK_THROWS_AS(editor.add_note(""), format_error);
  CHECK_THROWS_AS(editor.add_note("\xff\xfe"), format_error);
  CHECK_FALSE(editor.update(9999, "x"));
}

TEST_CASE("notes hold for their time only", "[eren][editor]") {
  const auto model = norway();
  time_ms now = 500;
  scripted_editor<eren::extractive_reader, confident_gate> editor{
      model, notes::memory_store(), {.wall_clock = [&] { return now; }}};
  notes::note n;
  n.text = "The capital of Norway is Bergen.";
  n.valid_from = 1000;
  n.valid_until = 2000;
  editor.add_note(n);
  const std::string question = "What is the capital of Norway?";
  CHECK(editor.answer(question).source == eren::answer_source::own_knowledge);
  now = 1500;
  CHECK(editor.answer(question).source == eren::answer_source::read_note);
  now = 2000;
  CHECK(editor.answer(question).source == eren::answer_source::own_knowledge);
}

TEST_CASE("a question that needs two notes gets both, by two hops and a joint reading", "[eren][editor]") {
  // Both notes in one prompt: only then the model knows.
  const auto model = test::scripted_model(
      {{{"king of Norway was born in Denmark", "capital of Denmark is Aarhus", "Question: What is the capital"},
        " Aarhus"},
       {{"king of Norway was born in Denmark", "Question: What is the capital"}, " Denmark"}});
  using retriever = notes::two_hop_retriever<notes::bm25_retriever>;
  scripted_editor<eren::extractive_reader, confident_gate, retriever> editor{
      model, notes::memory_store(), {.n_note = 3}};
  const auto first = editor.add_note("The king of Norway was born in Denmark.").id;
  editor.add_note("Spiders have six legs.");
  const auto second = editor.add_note("The capital of Denmark is Aarhus.").id;
  const auto a = editor.answer("What is the capital of the country in which the king of Norway was born?");
  CHECK(a.text == "Aarhus");
  CHECK(a.trace.joint);
  CHECK(a.notes == std::vector<notes::note_id>{first, second});
  // One note alone is read alone.
  editor.erase(second);
  const auto alone = editor.answer("What is the capital of the country in which the king of Norway was born?");
  CHECK(alone.text == "Denmark");
  CHECK_FALSE(alone.trace.joint);
}

TEST_CASE("several readers and gates, and the trace", "[eren][editor]") {
  const auto model = norway();
  double now = 0;
  scripted_editor<eren::one_step_reader> open{model, notes::memory_store(), {.clock = [&] { return now += 1; }}};
  open.add_note("The capital of Norway is Bergen.");
  const auto a = open.answer("Who lived in Norway?");
  CHECK(a.source == eren::answer_source::read_note);  // one step believes whatever comes
  CHECK(a.trace.timings.read == 1);
  CHECK(a.trace.timings.total() == 4);

  scripted_editor<eren::option_reader> claims{
      test::scripted_model({{{"Notes:", "Claim: Bergen"}, " no"}, {{"Notes:"}, " unanswerable"}}, "yes"),
      notes::memory_store()};
  claims.add_note("The capital of Norway is Bergen.");
  CHECK(claims.answer("Bergen is no capital.").text == "no");
  const auto unknown = claims.answer("Norway is cold.");
  CHECK(unknown.text == "yes");
  CHECK(unknown.source == eren::answer_source::own_knowledge);
}

TEST_CASE("claims are held against several notes one by one, and never against two at once", "[eren][editor]") {
  // The first note found does not tell, the second does; together they would be read otherwise.
  const test::scripted_model model({{{"sings in Rome.\n", "never sings."}, " yes"},
                                    {{"never sings.\nClaim: "}, " no"},
                                    {{"Claim: "}, " unanswerable"}});
  using reader = eren::basic_option_reader<eren::plain_claim_prompt, eren::no_adapter, eren::note_grouping::one_by_one>;
  using gate = eren::fitted_gate<eren::answer_margin>;
  const auto ask = [&](std::size_t n_note) {
    scripted_editor<reader, gate> editor{model,
                                         notes::memory_store(),
                                         notes::bm25_retriever(),
                                         reader(),
                                         gate(eren::gate_of_feature("margin"), eren::answer_margin()),
                                         {.n_note = n_note}};
    const auto first = editor.add_note("Blume of Oslo sings in Rome.").id,
               second = editor.add_note("Blume of Oslo never sings.").id;
    const std::string claim = "Blume sings in Rome today.";
    const auto x = eren::gate_workshop(editor).examine(std::span(&claim, 1)).front();
    CHECK(x.found);
    CHECK(x.note == (n_note == 1 ? first : second));
    if (n_note == 2) CHECK(x.answer == "no");
    CHECK(x.abstained == (n_note == 1));
    CHECK((x.features.at(0) > 0) == (n_note == 2));
    return editor.answer(claim);
  };
  CHECK(ask(1).source != eren::answer_source::read_note);
  const auto a = ask(2);
  CHECK(a.source == eren::answer_source::read_note);
  CHECK(a.text == "no");
  CHECK_FALSE(a.trace.joint);
  CHECK(a.notes.size() == 1);
}

TEST_CASE("a thrown error leaves the editor usable, and odd questions do no harm", "[eren][editor]") {
  const auto model = test::scripted_model({{{"Bergen", "capital"}, " Bergen"}}, "ok", 600);
  scripted_editor<eren::extractive_reader, confident_gate> editor{model, notes::memory_store()};
  editor.add_note("The capital of Norway is Bergen.");
  CHECK_THROWS_AS(editor.answer(std::string(1000, 'x')), config_error);
  for (const std::string& odd :
       {std::string(), std::string("\xff\xfe"), std::string("\n\nQuestion: capital?"), std::string(3, '\0')}) {
    if (!odd.empty()) CHECK_NOTHROW(editor.answer(odd));
  }
  CHECK(editor.answer("What is the capital of Norway?").text == "Bergen");
  CHECK_THROWS_AS(editor.answer(std::string(1000, 'x')), config_error);
}

TEST_CASE("many questions considered together give what each gives alone", "[eren][editor]") {
  const auto model = norway();
  scripted_editor<eren::extractive_reader, confident_gate> editor{model, notes::memory_store()};
  editor.add_note("The capital of Norway is Bergen.");
  editor.add_note("Hamlet was written by Bacon.");
  const strings questions = {"What is the capital of Norway?", "Who wrote Hamlet?", "Who lived in Norway?",
                             "What is blue?"};
  const auto together = editor.consider(questions);
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const auto alone = editor.consider({&questions[i], 1}).front();
    CHECK(together[i].apply == alone.apply);
    CHECK(together[i].text == alone.text);
    CHECK(together[i].notes == alone.notes);
    CHECK(together[i].candidates.size() == alone.candidates.size());
  }
}

TEST_CASE("a correction takes the older note's place, says so, and one undo brings it back", "[eren][editor]") {
  scripted_editor<eren::two_step_reader> editor{norway(), notes::memory_store()};
  const auto first = editor.add_note("The capital of Norway is Oslo.");
  CHECK(first.corrected == notes::no_note);
  CHECK(first.related.empty());
  const auto second = editor.add_note("Correction: the capital of Norway is Bergen.");
  CHECK(second.outcome == notes::add_outcome::added);
  CHECK(second.corrected == first.id);
  CHECK(editor.size() == 1);
  CHECK(editor.notebook().find(first.id)->status == notes::note_status::superseded);
  CHECK(editor.notebook().find(first.id)->superseded_by == second.id);
  CHECK(editor.add_note("Correction: the capital of Norway is Bergen").outcome == notes::add_outcome::duplicate);
  CHECK(editor.undo().size() == 1);
  CHECK(editor.size() == 1);
  CHECK(editor.notebook().find(first.id)->status == notes::note_status::live);
  CHECK_FALSE(editor.notebook().find(second.id));

  // What is already noted replaces nothing, though another note says something else.
  notes::note bergen;
  bergen.text = "The capital of Norway is Bergen.";
  editor.add_notes({&bergen, 1});
  CHECK(editor.size() == 2);
  CHECK(editor.add_note("The capital of Norway is Bergen").outcome == notes::add_outcome::duplicate);
  CHECK(editor.size() == 2);
}

TEST_CASE("notes that may hold side by side stay, and name each other", "[eren][editor]") {
  scripted_editor<eren::two_step_reader> editor{norway(), notes::memory_store()};
  const auto french = editor.add_note("Anna speaks French.").id;
  const auto german = editor.add_note("Anna speaks German.");
  CHECK(german.corrected == notes::no_note);
  CHECK(german.related == std::vector<notes::note_id>{french});
  CHECK(editor.add_note("Ben speaks Polish.").related.empty());
  CHECK(editor.size() == 3);
  notes::note dated;
  dated.text = "The capital of Norway is Bergen.";
  dated.valid_until = 10;
  editor.add_note(dated);
  CHECK(editor.add_note("The capital of Norway is Oslo.").corrected == notes::no_note);
}

TEST_CASE("who wants all notes kept has them", "[eren][editor]") {
  for (const bool conflicts : {false, true}) {
    eren::editor_options options;
    if (conflicts) {
      options.on_conflict = notes::conflict_policy::keep_both;
    } else {
      options.on_correction = eren::correction_policy::keep;
    }
    scripted_editor<eren::two_step_reader> editor{norway(), notes::memory_store(), options};
    const auto first = editor.add_note("The capital of Norway is Oslo.").id;
    const auto second = editor.add_note("The capital of Norway is Bergen.");
    CHECK(second.corrected == notes::no_note);
    CHECK(second.related == std::vector<notes::note_id>{first});
    CHECK(editor.size() == 2);
  }
}

TEST_CASE("a correction and its undo survive reopening", "[eren][editor]") {
  const test::temp_folder folder;
  using on_disk = eren::editor<test::scripted_model, notes::sqlite_store, notes::bm25_retriever, eren::two_step_reader>;
  notes::note_id first = 0, second = 0;
  {
    on_disk editor{norway(), notes::sqlite_store(folder.file("notes.db"))};
    first = editor.add_note("The capital of Norway is Oslo.").id;
    const auto added = editor.add_note("Bergen is the capital of Norway.");
    second = added.id;
    CHECK(added.corrected == first);
  }
  on_disk editor{norway(), notes::sqlite_store(folder.file("notes.db"))};
  CHECK(editor.size() == 1);
  CHECK(editor.notebook().find(second)->supersedes == first);
  CHECK(editor.notebook().retrieve("capital of Norway", 5).front().id == second);
  editor.undo();
  CHECK(editor.notebook().retrieve("capital of Norway", 5).size() == 1);
  CHECK(editor.notebook().retrieve("capital of Norway", 5).front().id == first);
}

TEST_CASE("of equal notes the newer one answers, unless the older one's value is asked for", "[eren][editor]") {
  scripted_editor<eren::extractive_reader, confident_gate> editor{norway(), notes::memory_store()};
  std::vector<notes::note> all(4);
  all[0].text = "The capital of Norway is Oslo.";
  all[1].text = "The capital of Norway is Trondheim.";
  all[2].text = "The capital of Norway is Bergen.";
  all[3].text = "The capital of Norwich is Ipswich.";
  const auto added = editor.add_notes(all);
  CHECK(editor.size() == 4);
  const auto looked_at = [&](const std::string& question) {
    return editor.consider(std::span(&question, 1)).front().candidates.front().id;
  };
  CHECK(looked_at("What is the capital of Norway?") == added[2].id);
  CHECK(looked_at("Is Oslo the capital of Norway?") == added[0].id);
  CHECK(looked_at("Is Bergen the capital of Norway?") == added[2].id);
  CHECK(looked_at("What is the capital of Norwich?") == added[3].id);
}

TEST_CASE("what a note denies is never answered from it, however sure gate and reader are", "[eren][editor]") {
  const test::scripted_model model({{{"Notes:", "Mozart was not born in Vienna", "Where was Mozart"}, " Vienna"},
                                    {{"Notes:", "Salzburg", "Where was Mozart"}, " Salzburg"},
                                    {{"Where was Mozart"}, "somewhere"}},
                                   "no idea");
  scripted_editor<eren::extractive_reader, eren::open_gate> editor{model, notes::memory_store()};
  const auto denial = editor.add_note("Mozart was not born in Vienna.").id;
  const eren::answer denied = editor.answer("Where was Mozart born?");
  CHECK(denied.source == eren::own_knowledge);
  CHECK(denied.text == "somewhere");
  REQUIRE(denied.trace.candidates.size() == 1);
  CHECK(denied.trace.candidates[0].denied);
  CHECK(denied.trace.candidates[0].read.answer == "Vienna");
  editor.erase(denial);
  editor.add_note("Mozart was born in Salzburg.");
  CHECK(editor.answer("Where was Mozart born?").text == "Salzburg");
}

TEST_CASE("what a note about the question denies is not the model's own answer either", "[eren][editor]") {
  const test::scripted_model model({{{"Notes:"}, " Vienna"}, {{"Mozart"}, "in Vienna"}, {{"Haydn"}, "in Vienna"}}, "no idea");
  scripted_editor<eren::extractive_reader, confident_gate> editor{model, notes::memory_store(), notes::bm25_retriever(), eren::extractive_reader(), confident_gate{1e9}};
  editor.add_note("Mozart was not born in Vienna.");
  const eren::answer own = editor.answer("Where was Mozart born?");
  CHECK(own.source == eren::own_knowledge);
  CHECK(own.text.find("Vienna") == std::string::npos);
  CHECK(editor.direct("Where was Mozart born?").text == "in Vienna");
  // Questions that name what the note does not are as if there were none.
  CHECK(editor.answer("Where was Haydn born?").text == "in Vienna");
  CHECK(editor.answer("Where did Mozart live?").text == "in Vienna");
}
