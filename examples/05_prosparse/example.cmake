target_sources(${target} PRIVATE ${folder}/train.cpp ${folder}/train_free.cpp)
