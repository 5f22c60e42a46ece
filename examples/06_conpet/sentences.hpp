/// @file The project's own sentences: three tasks of four classes, for a first lesson without any data set.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace teach {

/// One JSON object a line, as `quipu::data::json_lines_stream` reads them.
inline constexpr std::string_view sentences = R"lines(
{"text": "Please water the roses tonight.", "label": "water_plants", "task": "garden", "split": "train"}
{"text": "The grass is too long, mow it.", "label": "cut_grass", "task": "garden", "split": "train"}
{"text": "Sow carrots in the second row.", "label": "plant_seeds", "task": "garden", "split": "train"}
{"text": "The apples are ripe, pick them.", "label": "pick_fruit", "task": "garden", "split": "train"}
{"text": "The tomatoes look dry, give them some water.", "label": "water_plants", "task": "garden", "split": "train"}
{"text": "Cut the lawn on Saturday.", "label": "cut_grass", "task": "garden", "split": "train"}
{"text": "When should I plant sunflower seeds?", "label": "plant_seeds", "task": "garden", "split": "train"}
{"text": "Harvest the cherries before the birds do.", "label": "pick_fruit", "task": "garden", "split": "train"}
{"text": "When did we last water the lawn?", "label": "water_plants", "task": "garden", "split": "train"}
{"text": "Is the mower ready for the meadow?", "label": "cut_grass", "task": "garden", "split": "train"}
{"text": "Put the onion seeds into the soil.", "label": "plant_seeds", "task": "garden", "split": "train"}
{"text": "Are the pears ready to be picked?", "label": "pick_fruit", "task": "garden", "split": "train"}
{"text": "Turn on the sprinkler for the beans.", "label": "water_plants", "task": "garden", "split": "train"}
{"text": "Trim the grass along the path.", "label": "cut_grass", "task": "garden", "split": "train"}
{"text": "I want to sow lettuce this week.", "label": "plant_seeds", "task": "garden", "split": "train"}
{"text": "Pick a basket of plums for the cake.", "label": "pick_fruit", "task": "garden", "split": "train"}
{"text": "The ferns need a drink of water.", "label": "water_plants", "task": "garden", "split": "train"}
{"text": "Mow the front yard, please.", "label": "cut_grass", "task": "garden", "split": "train"}
{"text": "How deep do pumpkin seeds go?", "label": "plant_seeds", "task": "garden", "split": "train"}
{"text": "Collect the berries along the hedge.", "label": "pick_fruit", "task": "garden", "split": "train"}
{"text": "Water the herbs before it gets hot.", "label": "water_plants", "task": "garden", "split": "train"}
{"text": "The lawn should be shorter.", "label": "cut_grass", "task": "garden", "split": "train"}
{"text": "Plant some peas along the wall.", "label": "plant_seeds", "task": "garden", "split": "train"}
{"text": "It is time to harvest the grapes.", "label": "pick_fruit", "task": "garden", "split": "train"}
{"text": "My orchids are thirsty again.", "label": "water_plants", "task": "garden", "split": "train"}
{"text": "Can you cut the grass near the gate?", "label": "cut_grass", "task": "garden", "split": "train"}
{"text": "The seed packets came, let us sow them.", "label": "plant_seeds", "task": "garden", "split": "train"}
{"text": "Gather the figs that have turned soft.", "label": "pick_fruit", "task": "garden", "split": "train"}
{"text": "Fill the watering can for the lilies.", "label": "water_plants", "task": "garden", "split": "train"}
{"text": "It is time to mow again.", "label": "cut_grass", "task": "garden", "split": "train"}
{"text": "Sow the radishes close together.", "label": "plant_seeds", "task": "garden", "split": "train"}
{"text": "Pick the strawberries this morning.", "label": "pick_fruit", "task": "garden", "split": "train"}
{"text": "The hedge has had no water for a week.", "label": "water_plants", "task": "garden", "split": "test"}
{"text": "Set the mower to a short cut.", "label": "cut_grass", "task": "garden", "split": "test"}
{"text": "Where shall I plant the new seeds?", "label": "plant_seeds", "task": "garden", "split": "test"}
{"text": "How many peaches can we harvest?", "label": "pick_fruit", "task": "garden", "split": "test"}
{"text": "Soak the flower beds this evening.", "label": "water_plants", "task": "garden", "split": "test"}
{"text": "The grass by the fence wants trimming.", "label": "cut_grass", "task": "garden", "split": "test"}
{"text": "Start basil from seed indoors.", "label": "plant_seeds", "task": "garden", "split": "test"}
{"text": "Take the ripe lemons off the tree.", "label": "pick_fruit", "task": "garden", "split": "test"}
{"text": "I would like to borrow a novel about the sea.", "label": "borrow_book", "task": "library", "split": "train"}
{"text": "I am bringing back the history book.", "label": "return_book", "task": "library", "split": "train"}
{"text": "How much is the fine for a late book?", "label": "late_fee", "task": "library", "split": "train"}
{"text": "When do you open on Sunday?", "label": "opening_hours", "task": "library", "split": "train"}
{"text": "Can I take this atlas home?", "label": "borrow_book", "task": "library", "split": "train"}
{"text": "Where do I return this novel?", "label": "return_book", "task": "library", "split": "train"}
{"text": "Why was I charged a late fee?", "label": "late_fee", "task": "library", "split": "train"}
{"text": "Until what time can I stay tonight?", "label": "opening_hours", "task": "library", "split": "train"}
{"text": "Lend me the book on knots, please.", "label": "borrow_book", "task": "library", "split": "train"}
{"text": "Here are the comics I had on loan.", "label": "return_book", "task": "library", "split": "train"}
{"text": "I forgot the due date, what do I owe?", "label": "late_fee", "task": "library", "split": "train"}
{"text": "Are you closed on holidays?", "label": "opening_hours", "task": "library", "split": "train"}
{"text": "I want to check out two mysteries.", "label": "borrow_book", "task": "library", "split": "train"}
{"text": "I want to give back the travel guide.", "label": "return_book", "task": "library", "split": "train"}
{"text": "Is there a penalty for three days?", "label": "late_fee", "task": "library", "split": "train"}
{"text": "What are the hours in summer?", "label": "opening_hours", "task": "library", "split": "train"}
{"text": "Is it possible to borrow the dictionary?", "label": "borrow_book", "task": "library", "split": "train"}
{"text": "Can I drop off books after closing?", "label": "return_book", "task": "library", "split": "train"}
{"text": "Can the fine be cancelled?", "label": "late_fee", "task": "library", "split": "train"}
{"text": "Do you open before nine?", "label": "opening_hours", "task": "library", "split": "train"}
{"text": "May I take out a cookbook today?", "label": "borrow_book", "task": "library", "split": "train"}
{"text": "This one goes back to the shelf, I am done.", "label": "return_book", "task": "library", "split": "train"}
{"text": "I want to pay my overdue charge.", "label": "late_fee", "task": "library", "split": "train"}
{"text": "Is the reading room open late?", "label": "opening_hours", "task": "library", "split": "train"}
{"text": "Check out this biography for me.", "label": "borrow_book", "task": "library", "split": "train"}
{"text": "Take back the science book, please.", "label": "return_book", "task": "library", "split": "train"}
{"text": "What does it cost to be late?", "label": "late_fee", "task": "library", "split": "train"}
{"text": "At what time does the library close?", "label": "opening_hours", "task": "library", "split": "train"}
{"text": "I need to borrow a guide to birds.", "label": "borrow_book", "task": "library", "split": "train"}
{"text": "I return the dictionary a day early.", "label": "return_book", "task": "library", "split": "train"}
{"text": "My account shows a fee, is that right?", "label": "late_fee", "task": "library", "split": "train"}
{"text": "Are you open at lunch?", "label": "opening_hours", "task": "library", "split": "train"}
{"text": "Could I have that poetry book on loan?", "label": "borrow_book", "task": "library", "split": "test"}
{"text": "My daughter brings back her fairy tales.", "label": "return_book", "task": "library", "split": "test"}
{"text": "Do children pay late fees too?", "label": "late_fee", "task": "library", "split": "test"}
{"text": "What day of the week are you closed?", "label": "opening_hours", "task": "library", "split": "test"}
{"text": "Put these three books on my card.", "label": "borrow_book", "task": "library", "split": "test"}
{"text": "The book I had is ready to be returned.", "label": "return_book", "task": "library", "split": "test"}
{"text": "The fine on my card seems too high.", "label": "late_fee", "task": "library", "split": "test"}
{"text": "Tell me this week's opening times.", "label": "opening_hours", "task": "library", "split": "test"}
{"text": "Will it rain this afternoon?", "label": "rain", "task": "weather", "split": "train"}
{"text": "How warm is it outside?", "label": "temperature", "task": "weather", "split": "train"}
{"text": "How strong is the wind today?", "label": "wind", "task": "weather", "split": "train"}
{"text": "Will there be snow in the morning?", "label": "snow", "task": "weather", "split": "train"}
{"text": "Do I need an umbrella tomorrow?", "label": "rain", "task": "weather", "split": "train"}
{"text": "What is the temperature at noon?", "label": "temperature", "task": "weather", "split": "train"}
{"text": "From which side does the breeze blow?", "label": "wind", "task": "weather", "split": "train"}
{"text": "How deep is the snow on the pass?", "label": "snow", "task": "weather", "split": "train"}
{"text": "How much rain fell last night?", "label": "rain", "task": "weather", "split": "train"}
{"text": "Will it be below zero tonight?", "label": "temperature", "task": "weather", "split": "train"}
{"text": "Will there be gusts on the bridge?", "label": "wind", "task": "weather", "split": "train"}
{"text": "When does the first snow fall?", "label": "snow", "task": "weather", "split": "train"}
{"text": "When will the showers stop?", "label": "rain", "task": "weather", "split": "train"}
{"text": "How many degrees tomorrow?", "label": "temperature", "task": "weather", "split": "train"}
{"text": "Is it too windy for the kite?", "label": "wind", "task": "weather", "split": "train"}
{"text": "Are snowflakes expected in town?", "label": "snow", "task": "weather", "split": "train"}
{"text": "Is there a chance of drizzle?", "label": "rain", "task": "weather", "split": "train"}
{"text": "Is it hotter than yesterday?", "label": "temperature", "task": "weather", "split": "train"}
{"text": "Are storms with strong wind coming?", "label": "wind", "task": "weather", "split": "train"}
{"text": "Is the snow good for skiing?", "label": "snow", "task": "weather", "split": "train"}
{"text": "It looks like a downpour is coming.", "label": "rain", "task": "weather", "split": "train"}
{"text": "What is the lowest temperature this week?", "label": "temperature", "task": "weather", "split": "train"}
{"text": "Is the wind calm enough for sailing?", "label": "wind", "task": "weather", "split": "train"}
{"text": "Do we get a white Christmas?", "label": "snow", "task": "weather", "split": "train"}
{"text": "Are there rain clouds over the hills?", "label": "rain", "task": "weather", "split": "train"}
{"text": "Does it get cold after sunset?", "label": "temperature", "task": "weather", "split": "train"}
{"text": "When do the gusts get weaker?", "label": "wind", "task": "weather", "split": "train"}
{"text": "How much fresh snow came overnight?", "label": "snow", "task": "weather", "split": "train"}
{"text": "Should I expect wet weather for the picnic?", "label": "rain", "task": "weather", "split": "train"}
{"text": "How hot will Friday be?", "label": "temperature", "task": "weather", "split": "train"}
{"text": "What speed does the wind reach?", "label": "wind", "task": "weather", "split": "train"}
{"text": "Will the snow melt by noon?", "label": "snow", "task": "weather", "split": "train"}
{"text": "How long will it keep pouring?", "label": "rain", "task": "weather", "split": "test"}
{"text": "Is it warm enough for shorts?", "label": "temperature", "task": "weather", "split": "test"}
{"text": "Does it blow hard at the coast?", "label": "wind", "task": "weather", "split": "test"}
{"text": "Is a blizzard on its way?", "label": "snow", "task": "weather", "split": "test"}
{"text": "Tell me if showers are on the way.", "label": "rain", "task": "weather", "split": "test"}
{"text": "Tell me the degrees by the lake.", "label": "temperature", "task": "weather", "split": "test"}
{"text": "Is a gale expected tonight?", "label": "wind", "task": "weather", "split": "test"}
{"text": "Are the roads covered with snow?", "label": "snow", "task": "weather", "split": "test"}
)lines";

}  // namespace teach
