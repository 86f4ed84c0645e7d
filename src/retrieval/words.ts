/**
 * Words that questions are made of, written for this project. None is needed for finding anything; they keep the way in
 * which something is asked apart from what it is asked about. A missing word costs a little accuracy, no more.
 */

/** They say that something is asked: they are not searched for, wherever they stand. */
export const questionPhrases = `
  请问 请告诉我 告诉我 想问一下 问一下 想知道 想了解 你好 您好 谢谢 麻烦 什么时候 什么样 什么 为什么 怎么样 怎么办 怎么
  怎样 如何 多少 多长时间 多长 多久 多大 多高 多远 多重 多深 哪里 哪儿 哪些 哪个 哪位 哪种 哪年 哪天 哪一 几点 是不是
  有没有 能不能 可不可以 要不要 何时 何地 是否 可以 需要 我们 你们 那个 那种 那次 那只 这个 这种 还能 吗 呢 哪 啥 谁
`
  .trim()
  .split(/\s+/);

/** Not searched for where they stand as a word of their own; they may be part of another (会员, 要求). */
export const functionWords = new Set([
  ...'的了是在有几何吧啊呀嘛我你您那这还就都也再会能要想给很太最里时和与被把让从向对才又去来到个',
  ...'what when where which who whom whose how why is are was were be do does did the a an of in on at to for'.split(
    ' ',
  ),
  ...'can could may i me my you your we our it its this that there please and or'.split(' '),
]);

/** They are searched for, but a text without them may well be about what is asked. */
export const lightWords = new Set([
  ...'天年月日人次回位块点打拿做干看找弄得留用放走该吃叫说写下上中前后内外好大小多少每第不没钱话只',
  ...`
  一个 一张 一位 一只 一下 一般 一直 一次 一些 一共 一定 一起 一样 一种 之内 之间 之后 之前 以前 以后 以内 以上 以下 已经
  应该 必须 可能 能够 能否 如果 因为 所以 但是 还是 或者 而且 以及 关于 根据 通过 使用 进行 主要 重要 重新 突然 马上 立刻
  正在 开始 结束 最后 最近 最新 最多 最少 最大 最小 最高 最低 最晚 最早 最好 现在 目前 当时 当天 今天 明天 昨天 时候 时间
  时期 日子 地方 东西 事情 问题 方法 方式 情况 原因 名字 名称 知道 认为 觉得 看到 看见 听说 听到 找到 碰到 遇到 得到 拿到
  收到 做到 变成 成为 属于 位于 来自 叫做 称为 作为 具有 包括 分为 里面 外面 上面 下面 前面 后面 旁边 附近 那么 这么 这样
  那样 那里 这里 那儿 这儿 自己 别人 大家 人家 他们 她们 它们 有人 没有 不能 不会 不是 不要 不用 不到 不了 起来 出来 出去
  进去 进来 回来 过来 过去 下来 下去 上来 上去 好看 好吃 好玩 便宜 容易 简单 全部 所有 每个 各种 其他 其中 固定 专门 特别
  非常 比较 大概 大约 左右 帮我 告诉 介绍 了解 办理 安排 提供 准备 打算 希望 喜欢 期间 去年 今年 明年 每天 每年 早上 上午
  中午 下午 晚上 夜里 星期 一天 两天 几天 半天 那天 这次 一遍 活动 服务`
    .trim()
    .split(/\s+/),
]);

/** People ask in one word and articles answer in another. Each line means about the same. */
export const synonyms = `
  大人 成人 成年人
  小孩 孩子 儿童 小朋友 宝宝
  老人 长者 老年人 老年
  多少钱 要钱 价格 价钱 收费 费用 票价 元
  网上 线上 在线
  电话 热线 专线 号码
  几点 时间 时段
  开门 开放 营业 开馆
  关门 闭馆 打烊 停业 休息 不开门
  最晚 截止 停止 之前
  晚上 夜间 夜场 夜
  过夜 夜宿 住宿
  早上 上午
  丢 丢失 遗失 失物
  退票 退款 退
  便宜 优惠 折扣 打折 减免
  免费 免票
  寄放 寄存 存放
  应聘 招聘 求职 岗位
  工资 月薪 薪水 待遇
  吃饭 用餐 餐厅 餐饮
  年纪 年龄 岁
  老师 教师
  残障 残疾
  预约 预订 预定 订
  联系 咨询 客服
  快递 物流 发货 配送
  取消 撤销
  更改 修改 改签
  地址 位置 位于
  公交 公交车 巴士
  停车 停车场 车库 车位
  宠物 狗 猫
  厕所 卫生间 洗手间
  手续费 工本费
  规定 要求 条件
  身高 高度
  办法 方法 步骤
  买 购买 购
  卖 售价 出售
`
  .trim()
  .split('\n')
  .map((line) => line.trim().split(' '));
