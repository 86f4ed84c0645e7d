import { message } from './make.ts';
import type { SandboxMessage } from './types.ts';

const hours = `<section style="line-height: 2;">
<p>四月的风一吹，海水升到了 14 &deg;C，本馆也要换上旺季的作息了。从 <strong>4 月 1 日（星期三）</strong>起，开门早半小时，关门晚半小时。</p>
<h3>全年开放时间</h3>
<table><thead><tr><th>时段</th><th>日期</th><th>开馆</th><th>停止入馆</th><th>闭馆</th></tr></thead><tbody>
<tr><td>淡季</td><td>11 月 1 日至次年 3 月 31 日</td><td>9:30</td><td>16:00</td><td>17:00</td></tr>
<tr><td>旺季</td><td>4 月 1 日至 6 月 30 日，9 月 1 日至 10 月 31 日</td><td>9:00</td><td>16:30</td><td>17:30</td></tr>
<tr><td>暑期</td><td>7 月 1 日至 8 月 31 日</td><td>9:00</td><td>19:00</td><td>20:00</td></tr>
</tbody></table>
<p>春节、国庆假期另有安排，会单独发文。</p>
<h3>检修闭馆日</h3>
<p>每个月的<strong>第二个星期二</strong>全馆闭馆检修，7 月、8 月除外。2026 年剩下的检修日是：4 月 14 日、5 月 12 日、6 月 9 日、9 月 8 日、10 月 13 日、11 月 10 日、12 月 8 日。</p>
<p>这一天馆里并不清闲：潜水员要给蓝渊的窗面&ldquo;刮胡子&rdquo;，工程师轮流停掉每一台水泵听声音，企鹅则趁机到走廊里散步&mdash;&mdash;可惜只有员工看得见。</p>
<section style="display: none;"><p>编辑备注：旧版闭馆日为每月最后一个星期一，已作废，勿用。</p></section>
</section>`;

const shows = `<section><p style="text-align: center;"><span style="font-size: 18px; color: #0b4f6c;"><strong>今天几点看什么？</strong></span></p>
<p>旺季演出与喂食时刻表，适用于 <strong>4 月 2 日至 10 月 31 日</strong>。都含在门票里，不用另外预约。</p>
<table style="width: 100%;"><thead><tr><th>项目</th><th>地点</th><th>时间</th><th>时长</th></tr></thead><tbody>
<tr><td>企鹅早餐</td><td>三楼极地馆</td><td>9:40、15:00</td><td>15 分钟</td></tr>
<tr><td>海狮课堂</td><td>海狮剧场</td><td>10:30、13:30、15:30，周末加演 16:20</td><td>25 分钟</td></tr>
<tr><td>蓝渊潜水喂食</td><td>地下一层主窗前</td><td>11:15、14:30</td><td>20 分钟</td></tr>
<tr><td>水獭开饭</td><td>三楼河流馆</td><td>11:50、16:10</td><td>10 分钟</td></tr>
<tr><td>斑海豹训练课</td><td>斑海豹湾</td><td>12:40</td><td>15 分钟</td></tr>
<tr><td>月光音乐会</td><td>二楼月光厅</td><td>10:00、12:00、14:00、16:00</td><td>8 分钟</td></tr>
<tr><td>章鱼开罐</td><td>地下一层暗光层</td><td>仅周三、周六 14:00</td><td>12 分钟</td></tr>
<tr><td>海龟沙拉</td><td>蓝渊 3 号窗</td><td>仅周日 10:10</td><td>10 分钟</td></tr>
</tbody></table>
<h3>海狮课堂要早到吗？</h3>
<p>海狮剧场有 900 个座位，演出前 20 分钟开门，坐满即止，不留座。前三排是&ldquo;湿身区&rdquo;，雨衣在剧场门口自取，用完请挂回去。剧场有顶棚，下雨照常。</p>
<h3>一条不跑冤枉路的线</h3>
<ol><li><p>9:40 三楼看企鹅早餐；</p></li><li><p>10:30 下到海狮剧场；</p></li><li><p>11:15 直接坐扶梯到地下一层看潜水喂食；</p></li><li><p>12:00 上二楼，到月光厅歇歇脚；</p></li><li><p>12:40 去斑海豹湾，正好赶上训练课。</p></li></ol>
<p>动物状态不好时，饲养员会临时取消，北门大屏 9:00 更新当天的变动。请体谅：海狮也有不想上学的日子。</p></section>`;

const parking = `<section style="margin-left: 8px; margin-right: 8px;">
<p>导航请搜&ldquo;青屿海洋馆&rdquo;，地址是青屿市海湾区观澜路 88 号。本馆周边三个停车场，入口不在一条路上，走错了要绕 2.3 公里，所以出发前先定好停哪里。</p>
<table><thead><tr><th>车场</th><th>入口</th><th>车位</th><th>小型车收费</th><th>24 小时封顶</th></tr></thead><tbody>
<tr><td>P1 地下车库</td><td>潮声街</td><td>420 个</td><td>前 2 小时共 10 元，之后每小时 4 元</td><td>40 元</td></tr>
<tr><td>P2 地面停车场</td><td>观澜路</td><td>180 个</td><td>首小时 8 元，之后每小时 5 元</td><td>50 元</td></tr>
<tr><td>P3 临时停车场</td><td>望潮体育场北侧</td><td>300 个</td><td>每次 15 元</td><td>&mdash;</td></tr>
</tbody></table>
<ul>
<li><p><strong>限高：</strong>P1 限高 2.1 米，车顶装了行李箱的请去 P2。</p></li>
<li><p><strong>大巴：</strong>只能停 P2 西侧，每次 30 元，团队大巴请提前一天打 0000-555-0161 报车牌。</p></li>
<li><p><strong>充电：</strong>P1 的 B 区有 24 个快充桩，每度 1.35 元，充满后 15 分钟内请挪车，超时每分钟 0.5 元。</p></li>
<li><p><strong>电动自行车：</strong>北门右侧车棚，免费，不设充电。</p></li>
<li><p><strong>P3 接驳：</strong>只在法定节假日和暑期周末开放，接驳车 12 分钟一班，免费，末班在闭馆后 40 分钟发出。</p></li>
</ul>
<p>入场 15 分钟内开走不收费。周末 10:30 以后 P1 通常就满了，余位可以在小程序首页看。</p>
</section>`;

const transit = `<section><p>不开车更省心。地铁和公交都能到门口，下面的首末班是观澜路方向的时间。</p>
<h3>地铁</h3>
<p>2 号线<strong>海洋馆站 C 口</strong>出，沿海堤步道走 6 分钟到北门；C 口有直梯，推婴儿车、坐轮椅请走 C 口，不要走 A 口（只有台阶）。首班 6:20，末班 22:50。</p>
<h3>公交</h3>
<table><tbody><tr><th>线路</th><th>从哪里来</th><th>下车站</th><th>首末班</th><th>间隔</th></tr>
<tr><td>17 路</td><td>青屿火车站</td><td>观澜路海洋馆</td><td>6:00&mdash;21:30</td><td>10 分钟</td></tr>
<tr><td>63 路</td><td>老城鼓楼</td><td>观澜路海洋馆</td><td>6:30&mdash;20:40</td><td>15 分钟</td></tr>
<tr><td>海滨观光 1 线</td><td>银贝滩</td><td>潮声街口</td><td>8:30&mdash;18:30</td><td>20 分钟</td></tr>
<tr><td>机场快线 5 号</td><td>青屿机场</td><td>海湾会展中心（步行 11 分钟）</td><td>7:00&mdash;23:00</td><td>30 分钟</td></tr>
</tbody></table>
<p>从火车站打车大约 9 公里，25 分钟；从机场过来 34 公里。网约车请定位在<strong>东门落客区</strong>，观澜路全线禁停，北门前停车会被拍。</p>
<p>4 月起还有一条水路：澄沙岛渡轮周末 9:15、13:15 停靠海堤码头，下船走 4 分钟就到。</p></section>`;

const pets = `<section><p>毛孩子很可爱，但馆里的动物会紧张，所以<strong>宠物不能入馆</strong>，装在包里、推车里也不行。导盲犬、助听犬等工作犬例外，请带上工作证和免疫证明。</p>
<p>如果已经带来了：P2 停车场旁有 8 间&ldquo;候鱼室&rdquo;，可以寄放 15 公斤以下的猫狗，每 2 小时 25 元，有水和空调，最长 6 小时。烈性犬和未免疫的宠物不接收。</p></section>`;

const strollers = `<section><section><p><img data-src="https://mmbiz.example/qy/2026/stroller.jpg" data-ratio="0.75" /></p></section>
<p>全馆无台阶动线，推婴儿车可以从北门一路走到出口。唯一要收车的地方是海狮剧场，门口有看管的停车位。</p>
<ul><li><p><strong>租车：</strong>一楼服务中心，单人车 30 元一天，双人车 50 元一天，押金都是 200 元。一共 45 台，周末 11 点前多半租完。</p></li>
<li><p><strong>母婴室：</strong>5 间，分别在一楼服务中心旁、二楼月光厅出口、三楼极地馆入口、地下一层扶梯口和海狮剧场后侧。都有温奶器、尿布台和一把能锁门的哺乳椅。</p></li>
<li><p><strong>忘带尿布：</strong>服务中心有应急包，5 元一片，湿巾送。</p></li></ul>
<p>蓝渊隧道里的自动步道不能推车上去，请走右边的平路，看到的鱼是一样的。</p></section>`;

const wheelchairs = `<section><p>我们请 12 位坐轮椅的观众实地走过一遍，按他们的意见改了 31 处。这是改完以后的样子：</p>
<h3>行动不便的观众</h3>
<ul><li><p>手动轮椅 26 台，<strong>免费借用</strong>，押金 300 元或押一张身份证；可以提前一天打服务热线 0000-555-0123 留车。电动轮椅可以自带，馆内不出租。</p></li>
<li><p>直梯 6 部，无障碍卫生间 9 间，海狮剧场第 8 排有 12 个轮椅位。</p></li><li><p>触摸池有一段台面降到 70 厘米，坐着也够得着。</p></li></ul>
<h3>听障和视障观众</h3>
<p>每月第三个星期日 14:00 有<strong>手语讲解</strong>，从北门大厅出发，不收费。视障观众可以借一套&ldquo;会响的鱼&rdquo;触摸模型，共 18 件，用完交还服务中心。</p>
<h3>怕吵、怕亮的孩子</h3>
<p>每月第一个星期一，开馆后的头一个半小时是<strong>安静时段</strong>：背景音乐关掉，灯光调暗三成，讲解不用扩音器。服务中心有降噪耳罩，借一副押 50 元。</p></section>`;

/** Opening hours, show times, getting here, and what may come in. */
export const visitingMessages: SandboxMessage[] = [
  message('qy_20260415_001', [
    {
      title: '开车来？三个停车场的收费和入口',
      author: '运营部',
      digest: 'P1、P2、P3 怎么收费，充电桩在哪。',
      content: parking,
    },
    {
      title: '坐地铁、公交、渡轮来看鱼',
      author: '运营部',
      digest: '2 号线海洋馆站 C 口，走 6 分钟。',
      content: transit,
    },
  ]),
  message('qy_20260402_001', [
    {
      title: '旺季演出与喂食时刻表（4 月至 10 月）',
      author: '小屿',
      digest: '八个项目，一张表，一条顺路的线。',
      content: shows,
    },
  ]),
  message('qy_20260330_001', [
    {
      title: '4 月 1 日起，开放时间换旺季作息',
      author: '运营部',
      digest: '全年开放时间和 2026 年检修闭馆日。',
      content: hours,
    },
  ]),
  message('qy_20260312_001', [
    {
      title: '能带宠物来吗？',
      author: '小屿',
      digest: '不能入馆，但可以寄放。',
      content: pets,
    },
    {
      title: '推婴儿车逛馆：租车、母婴室、忘带尿布',
      author: '小屿',
      digest: '全馆只有一处需要收车。',
      content: strollers,
    },
    {
      title: '轮椅、手语讲解和安静时段：无障碍参观手册',
      author: '小屿',
      digest: '改了 31 处之后的海洋馆。',
      content: wheelchairs,
    },
  ]),
];
