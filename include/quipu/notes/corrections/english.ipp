/// @file The relations, cues and small words of English.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/notes/corrections/language.ipp>

namespace quipu::notes::corrections_detail {

QUIPU_INLINE language english() {
  using enum valued;
  using enum value_kind;
  return {
      .name = tongue::english,
      .copulas = "is|is called|is named",
      .changed_copulas =
          "has changed to|changed to|is changed to|becomes|"
          "has moved to|was moved to|has been moved to|is moved to",
      .articles = "the",
      .indefinite = "a|an|some|any|one|another|each|every",
      .own = "my|our|your",
      .of = "of|for",
      .with = "with|at|in|to|on|from|about|by",
      .fresh = "new|current|present",
      .changes =
          "now|is now|from now on|as of now|as of today|since today|"
          "currently|nowadays|these days|meanwhile",
      .doubts =
          "actually|in fact|in reality|in truth|it turns out|it turns out that|"
          "sorry|update|updated|new",
      .corrections = "correction|corrected|erratum|i was wrong|i made a mistake",
      .instead = "instead of|rather than|and not|not|no longer|not any more",
      .barred =
          "not|no|never|nobody|none|neither|nor|without|isn't|wasn't|doesn't|don't|cannot|can't|won't|"
          "maybe|perhaps|possibly|probably|might|may be|could|would|should|must|if|whether|unless|"
          "when|who|whom|whose|what|which|where|why|how|that|because|"
          "also|too|another|other|both|either|or|and|but|"
          "still|usually|sometimes|often|always|only|every|each|weekly|monthly|daily|per|"
          "was|were|will|used to|formerly|previously|until|since|before|after|during|ago|"
          "today|tomorrow|yesterday|tonight|temporarily|"
          "says|said|say|thinks|thought|think|believes|believe|claims|claimed|hopes|hears|heard|wants|wishes|"
          "he|she|it|they|them|him|his|her|hers|their|its|this|these|those|there|here|someone|somebody|everyone|"
          "about|around|almost|nearly|approximately|over|under|least|most|between",
      .function_words =
          "a|an|the|my|our|your|"
          "of|for|in|at|on|to|from|with|by|as|near|into|than|like",
      .calendar =
          "monday|tuesday|wednesday|thursday|friday|saturday|sunday|"
          "mon|tue|wed|thu|fri|sat|sun|"
          "january|february|march|april|may|june|july|august|september|october|november|december|"
          "jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec",
      .describing =
          "english|british|scottish|irish|welsh|german|french|spanish|italian|american|canadian|mexican|"
          "chinese|japanese|korean|indian|russian|polish|turkish|greek|dutch|belgian|swiss|austrian|"
          "danish|swedish|norwegian|finnish|portuguese|brazilian|australian|ukrainian|czech|"
          "hungarian|romanian|bulgarian|serbian|croatian|iranian|persian|iraqi|israeli|arab|arabic|egyptian|"
          "african|asian|european|vietnamese|thai|pakistani|nigerian|kenyan|argentinian|chilean|cuban|colombian|"
          "jewish|christian|catholic|protestant|muslim|buddhist|hindu|vegan|vegetarian|"
          "mum|mom|dad|mother|father|wife|husband|"
          "boss|manager|ceo|president|doctor|teacher|professor|engineer|"
          "aries|taurus|gemini|leo|virgo|libra|scorpio|capricorn|aquarius|pisces",
      .nouns = {{several, any, false, false,
                 "child|children|son|sons|daughter|daughters|brother|brothers|sister|sisters|sibling|siblings|"
                 "stepbrother|stepsister|cousin|cousins|uncle|aunt|nephew|niece|"
                 "grandmother|grandfather|grandson|granddaughter|grandchild|"
                 "friend|friends|colleague|neighbour|neighbor|roommate|flatmate|"
                 "dog|cat|pet|parrot|horse|rabbit|hamster|"
                 "member|player|student|pupil|employee|teacher|customer|client|supplier|"
                 "twin city|partner city|band|team|club|"
                 "award|prize|hobby|language|skill|interest|book|novel|song|film|movie|toy"},
                {one, place, false, false, "capital|capital city"},
                {one, person, false, false,
                 "manager|line manager|boss|supervisor|head|ceo|cfo|cto|chairman|chairwoman|chairperson|"
                 "president|chancellor|prime minister|head of state|mayor|king|queen|pope|"
                 "principal|headmaster|headmistress|head coach|landlord|landlady|"
                 "husband|wife|spouse|fiance|mother|father"},
                {one, number, false, false,
                 "age|weight|height|length|width|depth|shoe size|population|speed limit|"
                 "price|rent|salary|fee|entrance fee|opening time|closing time|birth year|year of birth|"
                 "phone number|telephone number|mobile number|room number|house number|"
                 "postcode|post code|postal code|zip code|area code|"
                 "licence number|account number|iban|passport number|customer number"},
                {changing, number, true, false, "number|size|time|date|room|floor|platform|gate|seat"},
                {one, code, false, false,
                 "password|passphrase|passcode|pin|pin code|access code|door code|"
                 "username|user name|licence plate|license plate|"
                 "email|e mail|email address|e mail address"},
                {one, code, true, false, "code"},
                {one, any, false, false,
                 "surname|last name|first name|maiden name|address|"
                 "blood type|blood group|eye colour|eye color|hair colour|hair color"},
                {one, day, false, false,
                 "birthday|birth date|birthdate|date of birth|wedding day|"
                 "deadline|due date|start date|end date|moving date|submission date"},
                {one, day, true, false,
                 "meeting|appointment|exam|examination|interview|viewing|presentation|"
                 "wedding|party|birthday party|ceremony|move"},
                {changing, day, false, false,
                 "class|course|lesson|training|lecture|seminar|workshop|rehearsal|"
                 "flight|train|bus|match|game|concert|film|call|visit|trip"}},
      .verbs = {{one, number, "is", "years old|year old|cm tall|metres tall|meters tall|m tall"},
                {one, number, "weighs|costs|measures", ""},
                {one, number, "opens at|closes at", ""},
                {one, person, "is married to|is engaged to|reports to", ""},
                {changing, place,
                 "lives in|lives at|resides in|is based in|"
                 "works in|works at|works for|studies at|studies in",
                 ""},
                {changing, day,
                 "starts at|begins at|ends at|leaves at|arrives at|"
                 "takes place on|takes place at|is due on",
                 ""},
                {changing, number, "leaves from|departs from", ""},
                {several, any,
                 "speaks|likes|loves|hates|enjoys|plays|knows|reads|has read|visited|has visited|was in|"
                 "owns|collects|sells|is a member of|is a fan of|is allergic to",
                 ""}},
  };
}

}  // namespace quipu::notes::corrections_detail
