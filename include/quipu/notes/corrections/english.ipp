/// @file The relations, cues and small words of English.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/notes/corrections/language.ipp>

namespace quipu::notes::corrections_detail {

QUIPU_INLINE language english() {
  using enum valued;
  using enum value_kind;
  return {
      tongue::english,
      "is|is called|is named",
      "has changed to|changed to|is changed to|has moved to|was moved to|has been moved to|is moved to|becomes",
      "the",
      "a|an|some|any|one|another|each|every",
      "my|our|your",
      "of|for",
      "with|at|in|to|on|from|about|by",
      "new|current|present",
      "now|from now on|as of now|as of today|currently|is now|nowadays|these days|meanwhile|since today",
      "actually|in fact|it turns out that|it turns out|in reality|in truth|sorry|update|updated|new",
      "correction|corrected|erratum|i was wrong|i made a mistake",
      "instead of|rather than|and not|not|no longer|not any more",
      "not|no|never|nobody|none|neither|nor|without|isn't|wasn't|doesn't|don't|cannot|can't|won't|maybe|perhaps|"
      "possibly|probably|"
      "might|may "
      "be|could|would|should|must|if|whether|unless|when|who|whom|whose|what|which|where|why|how|that|because|also|too|"
      "another|other|both|either|or|and|but|still|usually|sometimes|often|always|only|every|each|was|were|will|used "
      "to|formerly|"
      "previously|until|since|before|after|during|ago|says|said|say|thinks|thought|think|believes|believe|claims|"
      "claimed|hopes|hears|"
      "heard|wants|wishes|he|she|it|they|them|him|his|her|hers|their|its|this|these|those|there|here|someone|somebody|"
      "everyone|today|"
      "tomorrow|yesterday|tonight|about|around|almost|nearly|approximately|over|under|least|most|between|temporarily|"
      "weekly|monthly|per|daily",
      "a|an|the|of|for|in|at|on|to|from|with|by|as|near|into|than|like|my|our|your",
      "monday|tuesday|wednesday|thursday|friday|saturday|sunday|mon|tue|wed|thu|fri|sat|sun|january|february|march|"
      "april|may|june|july|"
      "august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec",
      "english|british|scottish|irish|welsh|german|french|spanish|italian|american|canadian|mexican|chinese|japanese|"
      "korean|indian|russian|"
      "polish|turkish|greek|dutch|belgian|swiss|austrian|danish|swedish|norwegian|finnish|portuguese|brazilian|"
      "australian|ukrainian|czech|"
      "hungarian|romanian|bulgarian|serbian|croatian|iranian|persian|iraqi|israeli|arab|arabic|egyptian|african|asian|"
      "european|jewish|"
      "christian|catholic|protestant|muslim|buddhist|hindu|vietnamese|thai|pakistani|nigerian|kenyan|argentinian|"
      "chilean|cuban|colombian|"
      "mum|mom|dad|boss|manager|ceo|president|doctor|teacher|professor|engineer|mother|father|wife|husband|vegan|"
      "vegetarian|"
      "aries|taurus|gemini|leo|virgo|libra|scorpio|capricorn|aquarius|pisces",
      {{several, any, false, false,
        "child|children|son|sons|daughter|daughters|brother|brothers|sister|sisters|sibling|siblings|friend|friends|"
        "cousin|cousins|uncle|aunt|"
        "nephew|niece|grandmother|grandfather|grandson|granddaughter|colleague|neighbour|neighbor|dog|cat|pet|parrot|"
        "horse|rabbit|hamster|award|"
        "prize|hobby|language|member|player|student|pupil|employee|teacher|twin city|partner city|band|team|club|"
        "book|novel|song|film|movie|toy|language|skill|interest|customer|client|supplier|grandchild|stepbrother|"
        "stepsister|roommate|flatmate"},
       {one, place, false, false, "capital|capital city"},
       {one, person, false, false,
        "manager|line manager|boss|supervisor|ceo|cfo|cto|president|chancellor|prime "
        "minister|mayor|king|queen|pope|head|head of state|chairman|"
        "chairwoman|chairperson|head "
        "coach|headmaster|headmistress|husband|wife|spouse|fiance|mother|father|principal|landlord|landlady"},
       {one, number, false, false,
        "shoe size|age|weight|height|price|phone number|telephone number|mobile number|room number|house "
        "number|postcode|zip code|post code|"
        "postal code|area code|licence number|account number|iban|passport number|customer number|population|birth "
        "year|year of birth|"
        "speed limit|rent|salary|entrance fee|fee|length|width|depth|opening time|closing time"},
       {changing, number, true, false, "number|size|time|date|room|floor|platform|gate|seat"},
       {one, code, false, false,
        "password|passphrase|passcode|pin|pin code|access code|door code|username|user name|licence plate|license "
        "plate|email|e mail|email address|e mail address"},
       {one, code, true, false, "code"},
       {one, any, false, false,
        "address|blood type|blood group|surname|last name|first name|maiden name|eye colour|eye color|hair colour|hair "
        "color"},
       {one, day, false, false,
        "birthday|birth date|birthdate|date of birth|deadline|due date|wedding day|start date|end date|moving "
        "date|submission date"},
       {one, day, true, false,
        "meeting|appointment|exam|examination|interview|wedding|party|birthday "
        "party|ceremony|move|viewing|presentation"},
       {changing, day, false, false,
        "class|course|lesson|training|flight|train|bus|match|game|concert|film|lecture|rehearsal|call|visit|trip|"
        "seminar|workshop"}},
      {{one, number, "is", "years old|year old|cm tall|metres tall|meters tall|m tall"},
       {one, number, "weighs|costs|measures", ""},
       {one, number, "opens at|closes at", ""},
       {one, person, "is married to|is engaged to|reports to", ""},
       {changing, place, "lives in|lives at|works in|works at|works for|studies at|studies in|is based in|resides in",
        ""},
       {changing, day, "starts at|begins at|ends at|leaves at|arrives at|takes place on|takes place at|is due on", ""},
       {changing, number, "leaves from|departs from", ""},
       {several, any,
        "speaks|likes|loves|hates|enjoys|plays|visited|knows|reads|has read|is a member of|has "
        "visited|owns|collects|sells|is allergic to|is a fan of|was in",
        ""}}};
}

}  // namespace quipu::notes::corrections_detail
