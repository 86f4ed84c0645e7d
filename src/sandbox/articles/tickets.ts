import { message } from './make.ts';
import type { SandboxMessage } from './types.ts';

const prices = `<section style="margin: 0 8px; font-size: 16px; line-height: 1.75;">
<section style="text-align: center;"><img data-src="https://mmbiz.example/qy/2026/ticket-cover.jpg" data-ratio="0.6" /></section>
<p>新的一年，先把大家在后台问得最多的事说清楚：票怎么卖、多少钱、什么时候放票。下面这份价目表自 <strong>2026 年 1 月 5 日</strong>起执行，全年平日、周末、节假日同价，旺季不涨价。</p>
<p style="display:none">【模板占位】成人票 99 元起，学生半价，营业至 22:00，请编辑替换后再发布。</p>
<h2>一、票价</h2>
<section style="overflow-x: auto;"><table style="width: 100%; border-collapse: collapse;">
<thead><tr><th>票种</th><th>适用人群</th><th>窗口价</th><th>线上预订价</th></tr></thead>
<tbody>
<tr><td>成人票</td><td>身高 1.4 米以上</td><td>168 元</td><td>150 元</td></tr>
<tr><td>儿童票</td><td>身高 1.0 米（含）至 1.4 米（含）</td><td>98 元</td><td>88 元</td></tr>
<tr><td>长者票</td><td>年满 65 周岁</td><td>98 元</td><td>86 元</td></tr>
<tr><td>学生票</td><td>全日制本科及以下在校生</td><td>118 元</td><td>108 元</td></tr>
<tr><td>亲子票</td><td>1 大 1 小</td><td>248 元</td><td>228 元</td></tr>
<tr><td>家庭票</td><td>2 大 1 小</td><td>398 元</td><td>368 元</td></tr>
<tr><td>双日票</td><td>成人，连续 2 天各入馆 1 次</td><td>248 元</td><td>238 元</td></tr>
<tr><td>夜场票</td><td>不分年龄，仅 7 月、8 月 17:00 后入馆</td><td>99 元</td><td>99 元</td></tr>
</tbody></table></section>
<p><span style="color: #888888; font-size: 14px;">注：线上预订价须至少提前 1 天下单；当天下单按窗口价计算。</span></p>
<h2>二、怎么买</h2>
<ol>
<li><p>打开小程序「青屿海洋馆票务」，选好日期和入馆时段；</p></li>
<li><p>逐一填写同行人的姓名和证件号码，门票实名，每个证件每天限购 1 张，一笔订单最多 6 张；</p></li>
<li><p>付款后不用换纸质票，北门刷证件就能进。</p></li>
</ol>
<p>放票时间是参观日前 <strong>14 天的早上 8:00</strong>。单日总量 14,000 张，分上午（12:00 前）和下午两个时段，各占一半。错过时段不要紧，晚到可以进，早到请在广场上先看看蓝鲸雕塑。</p>
<h2>三、几个容易买错的地方</h2>
<ul>
<li><p>身高以北门入口的身高尺为准，脱鞋量；孩子正好 1.4 米，买儿童票即可。</p></li>
<li><p>研究生不适用学生票，请购成人票。</p></li>
<li><p>双日票必须连着用，中间隔一天，第二次就作废了。</p></li>
<li><p>家庭票里的&ldquo;小&rdquo;指一位符合儿童票条件的孩子，两个孩子请另补一张儿童票。</p></li>
</ul>
<blockquote><p>门票已含全部八个展厅和所有日常演出，馆内没有二次收费的展厅。夜宿、工作坊等需要另外报名。</p></blockquote>
<p>票务专线：0000-555-0130（每天 9:00&mdash;17:00 有人接听）。</p>
</section>`;

const freeEntry = `<section style="padding: 0 10px;">
<p>不用买票、或者可以少买票的朋友，来之前请看看要带什么。<span style="color: rgb(217, 33, 66);">所有证件请带原件</span>，照片和复印件窗口没法核验。</p>
<h3>免票</h3>
<ul>
<li><p>身高不足 1.0 米的孩子，每位购票成人最多带 2 名。</p></li>
<li><p>现役军人和退役军人，凭军人证件或优待证。</p></li>
<li><p>残障人士，凭残障证件；其中一级、二级可另有 1 位陪同者享半价，即 84 元。</p></li>
<li><p>年满 80 周岁的老人，凭身份证，须有家人陪同。</p></li>
<li><p>累计无偿献血满 20 次的市民，凭献血荣誉证。</p></li>
</ul>
<h3>怎么领免票</h3>
<p>免票同样要预约，小程序里选&ldquo;零元票&rdquo;，每天 600 张；忘了预约，可到北门 2 号窗口现场登记，但要排队。</p>
<p>孕妇没有免票政策，不过可以走北门最右侧的优先通道，同行一人一起走，不用排队。</p>
</section>`;

const refunds = `<section style="margin: 0 8px;"><section style="border-left: 4px solid #1f7a8c; padding-left: 10px;"><p><strong>计划赶不上变化，票能不能退？</strong></p></section>
<p>能。只是越早越好。规则压成一张表，时间都以小程序里提交申请的那一刻为准。</p>
<table><tbody>
<tr><td><strong>申请时间</strong></td><td><strong>退票</strong></td><td><strong>改期</strong></td></tr>
<tr><td>参观日前一天 18:00 之前</td><td>全额退款</td><td>免费改 2 次</td></tr>
<tr><td>前一天 18:00 之后，至当天停止入馆前</td><td>扣 20% 手续费</td><td>免费改 1 次</td></tr>
<tr><td>当天停止入馆之后</td><td>不退</td><td>7 天内可改 1 次，每张补 10 元</td></tr>
</tbody></table>
<h3>特别说明</h3>
<ol>
<li><p>亲子票、家庭票要退就整张退，不能只退其中一个人。</p></li>
<li><p>夜场票、市民日票是特惠票，只改期不退款。</p></li>
<li><p>双日票用过第一天，第二天的部分不能退也不能改。</p></li>
<li><p>因本馆原因闭馆（停电、台风、设备故障），无论哪种票都全额退，不收手续费。</p></li>
</ol>
<p>退款原路返回，一般 3 至 5 个工作日到账。超过 7 个工作日还没收到，请把订单号发到 ticket@qingyu-aquarium.example。</p>
<h3>开发票</h3>
<p>电子发票在小程序&ldquo;我的订单&rdquo;里自助开，入馆后 60 天内有效，过期系统会关闭入口。抬头写错了可以换开 1 次。窗口现金购票的朋友，凭小票背面的 12 位码也能在同一个地方开。</p>
</section>`;

const membership = `<section style="font-size: 15px; letter-spacing: 1px;">
<p style="text-align: center;"><img data-src="https://mmbiz.example/qy/2026/cards.png" data-ratio="0.45" /></p>
<p>一年来三次以上，办年卡就划算了。2026 年的年卡还是三档，名字没变：礁石卡、潮汐卡、蓝渊卡。有效期从<strong>第一次刷卡入馆</strong>那天算起，满 12 个月；买了没用过的卡，保留 6 个月的激活期。</p>
<h2>三档权益对比</h2>
<table style="border-collapse: collapse;"><thead><tr><th>权益</th><th>礁石卡</th><th>潮汐卡</th><th>蓝渊卡</th></tr></thead><tbody>
<tr><td>人数</td><td>1 人</td><td>1 大 1 小</td><td>2 大 2 小</td></tr>
<tr><td>年费</td><td>398 元</td><td>688 元</td><td>1,280 元</td></tr>
<tr><td>不可用日期</td><td>春节、五一、国庆假期</td><td>无</td><td>无</td></tr>
<tr><td>停车减免</td><td>&mdash;</td><td>每次 2 小时</td><td>每次 4 小时</td></tr>
<tr><td>餐饮折扣</td><td>9.5 折</td><td>9 折</td><td>8.5 折</td></tr>
<tr><td>活动优先报名</td><td>&mdash;</td><td>提前 24 小时</td><td>提前 48 小时</td></tr>
<tr><td>带友半价票</td><td>每年 2 张</td><td>每年 4 张</td><td>每年 8 张</td></tr>
<tr><td>夜宿立减</td><td>&mdash;</td><td>&mdash;</td><td>200 元，每年 1 次</td></tr>
</tbody></table>
<h2>办卡</h2>
<p>线上在小程序办，线下到一楼服务中心办，当场拍照录脸，大约 10 分钟。卡片实名，不能借给别人，也不能转让。发现借卡，第一次提醒，第二次停卡 30 天。</p>
<section><section style="background-color: #eef7f9; padding: 12px;">
<h3>补卡、续费和退卡</h3>
<ul>
<li><p><strong>卡丢了：</strong>带身份证到服务中心补，工本费 20 元，当场拿卡；旧卡立刻失效。其实刷脸也能进，只是停车抵扣要用卡。</p></li>
<li><p><strong>续费：</strong>到期前 30 天内续，打 88 折；过期以后再办，按新卡价。</p></li>
<li><p><strong>孩子长高了：</strong>潮汐卡和蓝渊卡上的孩子办卡时不满 14 周岁就行，一年之内长多高都不用补差价。</p></li>
<li><p><strong>换人：</strong>有效期内可以换一次同行的大人，比如妈妈换成奶奶，收 50 元；孩子不能换。</p></li>
<li><p><strong>退卡：</strong>激活后 7 天内、入馆不超过 1 次可以退，扣一张窗口价成人票的钱。</p></li>
</ul>
</section></section>
<p>&nbsp;</p>
<h2>会员日</h2>
<p>每个季度末的那个星期日 8:00，普通观众进馆之前，会员可以先进来走一小时。2026 年是 3 月 29 日、6 月 28 日、9 月 27 日和 12 月 27 日。早上的蓝渊没有人声，只有水泵的低鸣，值得定个闹钟。</p>
</section>`;

const calendar = `<section><p>有人问：&ldquo;你们一年到底有几天打折？&rdquo;编辑部数了数，写成一张日历。各项优惠<strong>不叠加</strong>，同一天符合两条，挑便宜的那条用。</p>
<table><thead><tr><th>日期</th><th>名目</th><th>谁能享受</th><th>优惠</th></tr></thead><tbody>
<tr><td>每月 15 日</td><td>市民日</td><td>本市户籍、居住证或社保卡持有人</td><td>成人 100 元，限 2,000 张</td></tr>
<tr><td>生日当天</td><td>生日票</td><td>寿星本人，凭身份证或户口本</td><td>免费</td></tr>
<tr><td>3 月 22 日</td><td>世界水日</td><td>自带水杯的观众</td><td>窗口价立减 22 元</td></tr>
<tr><td>5 月 13 日至 17 日</td><td>护士周</td><td>持护士执业证者</td><td>68 元</td></tr>
<tr><td>6 月 1 日</td><td>儿童节</td><td>1 名成人正价票带 1 名儿童</td><td>儿童 1 元，限 1,500 名</td></tr>
<tr><td>6 月 8 日</td><td>馆庆日</td><td>姓名里带&ldquo;海&rdquo;字的朋友</td><td>前 200 名免费</td></tr>
<tr><td>9 月 10 日</td><td>教师节</td><td>持教师资格证者</td><td>78 元</td></tr>
<tr><td>10 月 18 日</td><td>重阳节</td><td>年满 60 周岁</td><td>免费，家人陪同者 8 折</td></tr>
<tr><td>11 月 9 日</td><td>消防日</td><td>消防救援人员及 1 位家属</td><td>免费</td></tr>
</tbody></table>
<p>&nbsp;</p>
<p>为什么护士周从 13 日开始？因为 5 月 12 日护士节那天正好赶上本馆例行检修，关着门。我们想了想，干脆把一天改成五天。</p>
<p>生日票只在生日那一天有效，农历生日请按当年对应的公历日期来，窗口备着万年历。2 月 29 日出生的朋友，平年按 2 月 28 日算。</p>
</section>`;

/** Tickets, refunds, annual cards and the year's discounts. */
export const ticketMessages: SandboxMessage[] = [
  message('qy_20260318_001', [
    {
      title: '市民日、生日票、教师节：2026 全年优惠日历',
      author: '票务中心',
      digest: '一年里有这么些日子，来看鱼更便宜。',
      content: calendar,
    },
  ]),
  message('qy_20260112_001', [
    {
      title: '礁石、潮汐、蓝渊：三档年卡怎么选',
      author: '会员小组',
      digest: '权益对比、补卡、续费和四个会员日，都在这一篇。',
      content: membership,
    },
  ]),
  message('qy_20260108_001', [
    {
      title: '退票、改期、开发票，一次讲清',
      author: '票务中心',
      digest: '越早申请，损失越小。',
      content: refunds,
    },
  ]),
  message('qy_20260105_001', [
    {
      title: '2026 年青屿海洋馆门票价目表',
      author: '票务中心',
      digest: '八种票，全年同价，提前一天线上订更便宜。',
      content: prices,
    },
    {
      title: '哪些人可以免票？出门前先找齐这些证件',
      author: '票务中心',
      digest: '免票也要预约，请带证件原件。',
      content: freeEntry,
    },
  ]),
];
