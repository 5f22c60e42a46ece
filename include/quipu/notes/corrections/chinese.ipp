/// @file The relations, cues and small words of Chinese.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/notes/corrections/language.ipp>

namespace quipu::notes::corrections_detail {

QUIPU_INLINE language chinese() {
  using enum valued;
  using enum value_kind;
  return {
      .name = tongue::chinese,
      .copulas = "是|为|叫|在",
      .changed_copulas =
          "改为|改为了|已改为|改成|改成了|已改成|变成|变成了|换成|换成了|变更为|已变更为|"
          "改在|改到|推迟到|提前到",
      .articles = "",
      .indefinite = "一个|一位|有个|某|每",
      .own = "我的|我们的|我|我们",
      .of = "的",
      .with = "和|与|跟|同",
      .fresh = "新的|新|现任|目前的|现在的",
      .changes = "现在|从现在起|从现在开始|现在已经|已经|从今天起|目前|如今|眼下",
      .doubts = "其实|实际上|事实上|原来|更新|抱歉",
      .corrections = "更正|纠正|订正|勘误|我说错了|我记错了",
      .instead = "而不是|而非|不再是|不是|不再",
      .barred =
          "不|没|非|未|别|无|吗|呢|吧|谁|什么|哪|几|"
          "如果|要是|假如|可能|也许|或许|大概|应该|好像|"
          "也|还|又|另|和|与|或|每|"
          "以前|曾|过去|之前|直到|今天|明天|昨天|暂时|"
          "说|认为|觉得|以为|听|"
          "他|她|它|这|那|有人|"
          "左右|大约|差不多|至少",
      .function_words = "的|在|一个|一位",
      .calendar = "",
      .describing =
          "人|师|员|家|者|生|性|属|女的|男的|"
          "教授|医生|老板|经理|教练|"
          "朋友|同学|同事|邻居|亲戚",
      .nouns = {{several, any, false, false,
                 "孩子|儿子|女儿|哥哥|弟弟|姐姐|妹妹|兄弟|姐妹|表哥|表姐|叔叔|阿姨|"
                 "朋友|男朋友|女朋友|同事|同学|邻居|狗|猫|宠物|"
                 "成员|老师|学生|员工|球队|爱好|语言|奖项|书|歌|电影"},
                {one, place, false, false, "首都"},
                {one, person, false, false,
                 "经理|总经理|首席执行官|上司|老板|主管|校长|班主任|房东|"
                 "总统|主席|总理|首相|市长|国王|女王|"
                 "丈夫|妻子|老公|老婆|母亲|父亲|妈妈|爸爸"},
                {one, number, false, false,
                 "鞋码|身高|体重|年龄|价格|房租|工资|人口|邮编|邮政编码|"
                 "电话|电话号码|手机号|手机号码|房间号|门牌号|账号"},
                {changing, number, true, false, "号码|尺码|房间|座位|站台|登机口"},
                {one, code, false, false, "密码|门禁密码|车牌号|用户名|邮箱|电子邮箱"},
                {one, any, false, false, "地址|住址|血型|最喜欢的颜色|最喜欢的食物"},
                {one, day, false, false, "生日|出生日期|截止日期|交稿日期"},
                {one, day, true, false, "会议|约会|考试|面试|婚礼|会面|预约"},
                {changing, day, false, false, "课|课程|训练|航班|火车|比赛|音乐会|演出|讲座"}},
      .verbs = {{one, number, "", "岁"},
                {one, number, "", "点开门|点半开门|点关门|点半关门"},
                {one, number, "售价|卖|重", ""},
                {changing, place, "住在|居住在", ""},
                {several, any, "会说|喜欢|爱|讨厌|会弹|去过|养了|读过", ""}},
  };
}

}  // namespace quipu::notes::corrections_detail
