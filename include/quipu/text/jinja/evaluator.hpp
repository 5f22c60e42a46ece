/// @file Runs a compiled template.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <quipu/text/jinja/expression_evaluator.hpp>
#include <quipu/text/jinja/loop.hpp>
#include <quipu/text/jinja/syntax.hpp>
#include <quipu/text/jinja/text_builder.hpp>
#include <quipu/text/jinja/value.hpp>

namespace quipu::text::jinja {

/// Follows what jinja2 3.1's compiler makes of a template, in the immutable sandbox.
class evaluator : public expression_evaluator {
 public:
  /// @param variables  a dict; outlives the evaluator, as the tree does
  evaluator(const syntax_tree& tree, const value& variables, const limits& allowed, wall_clock clock,
            std::string_view place)
      : expression_evaluator(tree, variables, allowed, clock, place) {
    run_body = [](expression_evaluator& run, const std::vector<statement*>& body, frame_object& frame,
                  text_builder& out) { static_cast<evaluator&>(run).execute(body, frame, out); };
    loop_call = [](expression_evaluator& run, const value& callee, arguments& given) {
      return static_cast<evaluator&>(run).call_loop(callee, given);
    };
  }

  /// The rendered text, with the origins of its bytes.
  [[nodiscard]] value run() {
    text_builder out;
    root_out_ = &out;
    const value root = make_frame(*tree_.root, nullptr);
    root_ = &root.as<frame_object>();
    enter(tree_.root->outermost, *root_);
    execute(tree_.root->body, *root_, out);
    return out.take();
  }

 private:
  enum class flow : std::uint8_t { on, leave, next };

  static evaluator& me_of(evaluation& run) noexcept { return static_cast<evaluator&>(run); }

  void emit(text_builder& out, const value& shown) {
    const std::size_t bytes = chars_of(shown).size();
    if (&out == root_out_) {
      write(bytes);
    } else {
      make(bytes);
    }
    out.append(text_of(shown));
  }
  flow execute(const std::vector<statement*>& body, frame_object& frame, text_builder& out) {
    for (const statement* one : body) {
      const flow after = execute(*one, frame, out);
      if (after != flow::on) return after;
    }
    return flow::on;
  }
  flow execute(const statement& one, frame_object& frame, text_builder& out) {
    step();
    line = one.line;
    switch (one.what) {
      case tag::output:
        for (const node* part : one.items) {
          step();
          if (part->what == node_kind::constant && part->constant.is_text()) {
            emit(out, part->constant);
          } else {
            const value shown = evaluate(*part, frame);
            if (!shown.is_undefined()) emit(out, to_text(*this, shown));
          }
        }
        return flow::on;
      case tag::condition: {
        const deeper guard(*this);
        for (const auto& branch : one.branches) {
          step();
          if (is_true(evaluate(*branch.test, frame))) return execute(branch.body, frame, out);
        }
        return execute(one.otherwise, frame, out);
      }
      case tag::set:
        check_target(*one.target, frame);
        assign(*one.target, evaluate(*one.subject, frame), frame);
        return flow::on;
      case tag::loop: return execute_loop(one, frame, out);
      case tag::set_block:
      case tag::filter: return execute_capture(one, frame, out);
      case tag::macro: at(frame, one.place) = make_macro(*one.function, frame); return flow::on;
      case tag::call: {
        const value caller = make_macro(*one.function, frame);
        const value shown = evaluate_call(*one.subject, frame, &caller);
        if (!shown.is_undefined()) emit(out, to_text(*this, shown));
        return flow::on;
      }
      case tag::with: return execute_with(one, frame, out);
      case tag::generation:
      case tag::block: {
        const deeper guard(*this);
        value inside = make_frame(*one.function, one.what == tag::block ? nullptr : &frame);
        enter(one.function->outermost, inside.as<frame_object>());
        execute(one.function->body, inside.as<frame_object>(), out);
        leave_frame(inside);
        return flow::on;
      }
      case tag::leave: return flow::leave;
      case tag::next: return flow::next;
      case tag::loader: fail("a template that loads no other one", "include, import, from or extends");
    }
    return flow::on;
  }
  [[gnu::noinline]] flow execute_capture(const statement& one, frame_object& frame, text_builder& out) {
    const deeper guard(*this);
    enter(one.inner, frame);
    text_builder inside;
    const flow after = execute(one.body, frame, inside);
    if (after != flow::on) return after;
    value result = inside.take();
    if (one.subject != nullptr) {
      value outer = std::exchange(block_text_, std::move(result));
      result = evaluate(*one.subject, frame);
      block_text_ = std::move(outer);
    }
    if (one.what == tag::set_block) {
      check_target(*one.target, frame);
      assign(*one.target, std::move(result), frame);
    } else if (!result.is_undefined()) {
      emit(out, to_text(*this, result));
    }
    return flow::on;
  }
  [[gnu::noinline]] flow execute_with(const statement& one, frame_object& frame, text_builder& out) {
    const deeper guard(*this);
    enter(one.inner, frame);
    for (std::size_t i = 0; i < one.items.size(); i += 2)
      assign(*one.items[i], evaluate(*one.items[i + 1], frame), frame);
    return execute(one.body, frame, out);
  }

  void check_target(const node& target, frame_object& frame) {
    if (target.what == node_kind::tuple) {
      for (const node* part : target.items) check_target(*part, frame);
    } else if (target.what == node_kind::namespace_part) {
      const value& of = at(frame, target.first->place);
      if (!of.is(kind::space)) fail("a namespace to assign to", type_name(of));
    }
  }
  void assign(const node& target, value item_of, frame_object& frame) {
    step();
    if (target.what == node_kind::name) {
      at(frame, target.place) = std::move(item_of);
    } else if (target.what == node_kind::namespace_part) {
      const value of = at(frame, target.first->place);
      if (!of.is(kind::space)) fail("a namespace to assign to", type_name(of));
      make(sizeof(dict_object::entry));
      of.as<space_object>().names.as<dict_object>().set(target.constant, std::move(item_of));
    } else {
      const deeper guard(*this);
      values parts = items_from(*this, item_of);
      if (parts.size() != target.items.size()) {
        fail(concat(std::to_string(target.items.size()), " items for as many names"), std::to_string(parts.size()));
      }
      for (std::size_t i = 0; i < parts.size(); ++i) assign(*target.items[i], std::move(parts[i]), frame);
    }
  }

  // Loops.

  [[gnu::noinline]] flow execute_loop(const statement& one, frame_object& frame, text_builder& out) {
    value source = evaluate(*one.subject, frame);
    if (!one.recursive) return run_loop(one, std::move(source), frame, out, 0);
    emit(out, run_recursive(one, std::move(source), frame, 0));
    return flow::on;
  }
  [[nodiscard]] value run_recursive(const statement& one, value source, frame_object& outer, std::int64_t depth) {
    value frame = make_frame(*one.function, &outer);
    text_builder inside;
    run_loop(one, std::move(source), frame.as<frame_object>(), inside, depth);
    leave_frame(frame);
    return inside.take();
  }
  [[nodiscard, gnu::noinline]] value call_loop(const value& callee, arguments& given) {
    const auto& one = callee.as<loop_object>();
    if (one.code == nullptr || !one.code->recursive) fail("a recursive loop to call", "another one");
    if (given.positional.size() != 1 || !given.named.empty()) fail("one argument of a loop", "others");
    const deeper guard(*this);
    const value frame = one.frame;
    if (!frame.is(kind::frame)) fail("a loop that still runs", "one that has ended");
    return run_recursive(*one.code, given.positional[0], *frame.as<frame_object>().outer, one.depth0 + 1);
  }
  /// The next item of a loop that passes its test.
  static bool next_tested(evaluation& run, loop_object& one, value& out) {
    evaluator& me = me_of(run);
    while (one.in.next(run, out)) {
      auto& frame = one.frame.as<frame_object>();
      me.assign(*one.code->test_target, out, frame);
      if (is_true(me.evaluate(*one.code->test, frame))) return true;
    }
    return false;
  }
  [[gnu::noinline]] flow run_loop(const statement& one, value source, frame_object& frame, text_builder& out,
                                  std::int64_t depth) {
    const deeper guard(*this);
    cursor items(*this, std::move(source));
    if (one.test != nullptr) enter(one.test_scope, frame);
    // A plain loop needs no object; `loop` and a test do.
    loop_object* made = nullptr;
    value loop;
    if (one.uses_loop || one.test != nullptr) {
      make(sizeof(loop_object));
      made = new loop_object(std::move(items), one, value(&frame), depth);
      loop = value(made);
      keep(*made);
      if (one.test != nullptr) made->next_item = next_tested;
    }
    struct ended {
      evaluator& me;
      loop_object* made;
      ~ended() {
        if (made == nullptr) return;
        made->end();
        if (made->refs == 2) me.drop(*made);  // the registry and `loop`
      }
    };
    bool ran = false;
    flow result = flow::on;
    {
      const ended at_end{*this, made};
      value now;
      // NOLINTNEXTLINE(bugprone-use-after-move): they were moved only into `made`
      while (made != nullptr ? made->next(*this, now) : items.next(*this, now)) {
        enter(one.inner, frame);
        assign(*one.target, std::move(now), frame);
        if (one.uses_loop) frame.slots[one.loop_index] = loop;
        const flow after = execute(one.body, frame, out);
        // As in jinja2, a turn that was cut short does not keep `else` from running.
        if (after == flow::on) ran = true;
        if (after == flow::leave) break;
      }
      if (one.uses_loop) frame.slots[one.loop_index] = value();
    }
    if (!ran && !one.otherwise.empty()) {
      enter(one.else_scope, frame);
      result = execute(one.otherwise, frame, out);
    }
    return result;
  }

  text_builder* root_out_ = nullptr;
};

}  // namespace quipu::text::jinja
