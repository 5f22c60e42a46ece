// Measures editing by notes on whole sets: ours, the paper's, and what they are compared with; fits gates.
// SPDX-License-Identifier: Apache-2.0
#include <functional>
#include <iostream>
#include <map>
#include <string>

#include "arguments.hpp"
#include "edit_sets.hpp"
#include "settings.hpp"
#include "terminal.hpp"

namespace {

struct command {
  std::string help;
  std::function<void(terminal::arguments&, settings&)> options;
  std::function<int(const settings&)> run;
};

void set_options(terminal::arguments& a, settings& s) {
  a.option("--set", &s.set, terminal::edit_set_help());
  a.required("--data", &s.data, "file of the set");
}
void shared_options(terminal::arguments& a, settings& s) {
  a.required("--model", &s.model, "checkpoint");
  a.option("--read", &s.n_note, "notes for a question; 0: as the reader wants");
  a.option("--batch", &s.batch, "questions considered together");
  a.option("--tokens", &s.n_token, "longest answer that is generated");
  a.option("--resume", &s.resume, "beginning of the names of files to go on from");
  a.option("--report", &s.report, "beginning of the names of reports (.md, .json, .svg)");
  a.option("--threads", &s.n_thread, "threads; 0 for all processors");
}
void question_options(terminal::arguments& a, settings& s) {
  a.option("--part", &s.part, "development, test or all");
  a.option("--edits", &s.n_edit, "edits whose questions are asked; 0: all of the part. All notes are live");
  a.flag("--in-scope", &s.in_scope, "only questions that the notes answer");
}
void stack_options(terminal::arguments& a, settings& s) {
  a.option("--readers", &s.readers, "of the method 'stack': folder of taught readers; empty: none, the extractive one reads");
}
void row_options(terminal::arguments& a, settings& s) {
  stack_options(a, s);
  a.option("--threshold", &s.threshold, "of the method 'similarity'");
  a.option("--untouched", &s.n_untouched,
           "edits for whose questions the unedited model is run beside the stack, one by one: bytes and costs; 0: none");
  a.option("--minutes", &s.minutes, "stop after so many, with status 3; with --resume the same command goes on; 0: never");
}
void reader_options(terminal::arguments& a, settings& s) {
  a.option("--reader", &s.reader, "PEFT folder of a trained reader, see 09_train_reader");
  a.option("--second", &s.second,
           "with --reader: gate file of the model without the adapter, whose score joins the reader's margin");
  a.flag("--held-back", &s.held_out,
         "with --reader: ask only the edits that readers are not trained on; with 'fit' alone: leave these out");
}
void probe_options(terminal::arguments& a, settings& s) {
  a.flag("--probe", &s.probe, "the gate has a probe of the hidden state");
  a.option("--depth", &s.depth, "blocks after which the probe looks");
}

const std::map<std::string, command> commands = {
    {"compare",
     {"methods on the same questions, one row each",
      [](terminal::arguments& a, settings& s) {
        set_options(a, s);
        question_options(a, s);
        reader_options(a, s);
        stack_options(a, s);
        probe_options(a, s);
        a.option("--live", &s.lives,
                 "only so many notes are live, and their questions asked; several make a table, 0 stands for all");
        a.option("--method", &s.methods,
                 "stack (the library's default), plain (prompting: one-step), eren, two-step, two-step-chat, one-step, always, similarity, scr, ike, mello, fine-tuned, "
                 "unedited; with --reader: reader, joined, free, free-always; several make a table");
        a.option("--gate", &s.gates, "gate file of the methods 'stack', 'eren', 'reader' and 'joined'");
        a.option("--threshold", &s.threshold, "of the method 'similarity'");
        a.flag("--bf16", &s.bf16,
               "of the method 'fine-tuned': train with products of bf16 where the processor has them");
        a.flag("--fallback", &s.fallback,
               "run the unedited model too, and compare with it; with --batch 1 prints what each stage costs");
      },
      compare}},
    {"fit",
     {"fits a gate, or the threshold of a method, on the development part",
      [](terminal::arguments& a, settings& s) {
        set_options(a, s);
        reader_options(a, s);
        probe_options(a, s);
        a.option("--method", &s.methods, "eren, or similarity, whose best threshold is printed");
        a.option("--gate", &s.gates, "gate file to write");
        a.option("--damage", &s.damage, "rate of wrong overrides for the conformal threshold, in place of the best EQ");
        a.option("--judge", &s.judge, "group of unrelated questions whose EQ the threshold is chosen by, or all");
        a.option("--header", &s.header, "write the gate as a C++ header too");
        s.fit = true;
      },
      fit}},
    {"study",
     {"reads the questions once and shows several gates on them; with FEVER and HotpotQA, chooses thresholds on the "
      "development part first",
      [](terminal::arguments& a, settings& s) {
        set_options(a, s);
        question_options(a, s);
        reader_options(a, s);
        probe_options(a, s);
        a.option("--gate", &s.gates, "gate files; FEVER and HotpotQA write one");
        s.study = true;
      },
      study}},
    {"relations",
     {"fits on the development part and judges the other with half of the relations held out, and by stated damage "
      "rates",
      [](terminal::arguments& a, settings& s) {
        set_options(a, s);
        question_options(a, s);
        probe_options(a, s);
        a.flag("--passes", &s.passes,
               "features that take passes of their own (likelihood of question and note), in place of --probe");
        s.relations = true;
      },
      relations}},
    {"unlabelled",
     {"makes a gate from the notes alone, by questions that the model writes for them",
      [](terminal::arguments& a, settings& s) {
        set_options(a, s);
        a.option("--gate", &s.gates, "gate file to write");
        a.option("--damage", &s.damage, "rate of wrong overrides for the conformal threshold, in place of the best EQ");
        s.no_labels = true;
      },
      unlabelled}},
    {"row",
     {"the rows of a set of any kind: the default stack, the similarity threshold, plain prompting",
      [](terminal::arguments& a, settings& s) {
        s.methods = {"stack", "similarity", "plain"};
        s.part.clear();
        set_options(a, s);
        row_options(a, s);
        a.option("--method", &s.methods, "methods of 'compare'");
        a.option("--gate", &s.gates, "gate file of the method 'stack' in place of its own");
        a.option("--part", &s.part,
                 "development, test or all; not given: test where the set has a development part that we choose on, else all");
        a.option("--edits", &s.edits, "edits whose questions are asked, 0: all; not given: 100, of xquad and everyday all");
        a.flag("--declarative", &s.declarative, "only edits whose notes are statements, none with its question in it");
        a.flag("--fallback", &s.fallback, "run the unedited model too; an answer that it would have given counts as kept");
      },
      row}},
    {"tables",
     {"the rows of many sets, and what fits on one of them add for another; goes on where it stopped",
      [](terminal::arguments& a, settings& s) {
        s.methods = {"stack", "similarity", "plain"};
        s.n_edit = 200;
        s.n_untouched = 8;
        s.minutes = 40;
        a.option("--shared", &s.shared, "folder with data/edit and data/reading, laid out like QUIPU_SHARED");
        a.repeated("--file", &s.files, "one more set, NAME=FILE, NAME as for --set; may be given several times");
        row_options(a, s);
        a.option("--method", &s.methods, "methods of 'compare'");
        a.option("--edits", &s.n_edit, "edits of a set whose questions are asked, 0: all");
        a.option("--whole", &s.whole, "kinds of sets of which all are asked");
        a.option("--plain", &s.n_plain, "the same for the method 'plain', which takes longest; of xquad a sixth as many paragraphs");
        a.option("--fit", &s.n_fit, "edits that gates are fitted on for the second table; 0: none is made");
      },
      tables}},
};

}  // namespace

int main(int argc, char** argv) {
  const auto found = commands.find(argc > 1 ? argv[1] : "");
  if (found == commands.end()) {
    std::cerr << "eren_bench COMMAND [OPTIONS], eren_bench COMMAND --help\n";
    for (const auto& [name, one] : commands) std::cerr << "  " << name << ": " << one.help << '\n';
    return 2;
  }
  terminal::arguments arguments("eren_bench " + found->first + ": " + found->second.help + ".");
  settings s;
  shared_options(arguments, s);
  found->second.options(arguments, s);
  if (const auto status = arguments.parse(argc - 1, argv + 1)) return *status;
  return terminal::run([&] { return found->second.run(s); });
}
