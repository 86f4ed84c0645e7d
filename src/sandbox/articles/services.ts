import { message } from './make.ts';
import type { SandboxMessage } from './types.ts';

const lostFound = `<section><p>二月份，本馆共捡到 214 件东西，被领走 139 件。剩下的里面，有几件我们特别想帮它找到家：</p>
<table><thead><tr><th>编号</th><th>物品</th><th>拾到地点</th><th>日期</th></tr></thead><tbody>
<tr><td>F-031</td><td>银色保温杯，杯底贴着&ldquo;二年级三班&rdquo;</td><td>触摸池洗手台</td><td>2 月 7 日</td></tr>
<tr><td>F-044</td><td>左脚蓝色童鞋一只，14 码</td><td>海狮剧场第 2 排</td><td>2 月 14 日</td></tr>
<tr><td>F-058</td><td>助听器一只，装在红色小盒里</td><td>月光厅豆袋沙发</td><td>2 月 19 日</td></tr>
<tr><td>F-072</td><td>手写食谱一本，封面画着带鱼</td><td>潮汐食堂 12 号桌</td><td>2 月 21 日</td></tr>
<tr><td>F-080</td><td>灰色毛绒兔，右耳缝过</td><td>蓝渊隧道中段</td><td>2 月 22 日</td></tr>
</tbody></table>
<p><br/></p>
<h3>怎么认领</h3>
<ol><li><p>打失物热线 0000-555-0156，报编号或说说东西的样子；</p></li><li><p>带身份证到一楼服务中心签字领取，手机要当场解锁；</p></li><li><p>来不了可以寄，到付。</p></li></ol>
<p>普通物品保管 60 天，证件满 15 天转交海湾派出所，食品当天处理。过了期限没人来的毛绒玩具，洗干净以后会送给水獭&mdash;&mdash;不，是送给医务室的小病号。</p></section>`;

const food = `<section style="padding: 8px;">
<p>逛到肚子叫的时候，馆里有三处可以坐下来。先声明：<strong>本馆不卖鱼翅、不卖海龟汤、不卖任何在缸里能看到的种类</strong>，鱼排一律用养殖罗非鱼。</p>
<h2>潮汐食堂（一楼）</h2>
<p>260 个座位，10:30 到 16:30，暑期延长到 19:00。自选台加小炒，不用预约，11:40 到 12:50 最挤。</p>
<table><tbody><tr><th>招牌</th><th>价格</th></tr>
<tr><td>蓝渊咖喱饭（米饭捏成鳐鱼）</td><td>46 元</td></tr>
<tr><td>礁石鱼排汉堡套餐</td><td>52 元</td></tr>
<tr><td>小企鹅儿童餐</td><td>39 元</td></tr>
<tr><td>海带豆腐锅（素）</td><td>34 元</td></tr>
<tr><td>老青屿虾皮馄饨</td><td>22 元</td></tr></tbody></table>
<h2>蓝渊茶座（地下一层）</h2>
<p>只有 48 个座位，一整面墙就是鱼。下午茶 14:00 到 17:00，每位 128 元，必须预约：0000-555-0170。靠窗的 6 张小桌可以留 15 分钟，过时让给现场排队的人。</p>
<h2>企鹅冰站（三楼）</h2>
<p>窗口外卖，海盐冰淇淋 18 元，&ldquo;阿德&rdquo;黑白双拼 25 元，热可可 20 元。冰淇淋请在极地馆外吃完再进，不是怕企鹅馋，是怕地滑。</p>
<h3>忌口与过敏</h3>
<p>每道菜的价签右上角有小图标，标出花生、甲壳类、奶、蛋、麸质五类过敏原。潮汐食堂的 5 号档口不用任何海产品，锅具分开。需要清真餐的朋友请提前一天打茶座电话，备有独立包装的套餐。</p>
</section>`;

const photo = `<section><section style="text-align: center;"><section style="display: inline-block; border: 1px solid #ccc; padding: 6px 18px;"><p>随便拍，但有六条请记住</p></section></section>
<ol>
<li><p><strong>不开闪光灯。</strong>手机的补光灯、对焦辅助灯也算。暗光层里连屏幕亮度都请调到最低。</p></li>
<li><p><strong>三脚架、稳定器落地支架不能进。</strong>独脚架可以，收起来不超过 60 厘米。</p></li>
<li><p><strong>自拍杆在蓝渊隧道里禁用，</strong>通道只有 2.2 米宽。</p></li>
<li><p><strong>不飞无人机。</strong>馆区和斑海豹湾外 200 米内都不行，螺旋桨的声音会让海豹母子分开。</p></li>
<li><p><strong>直播可以，</strong>每场不超过 30 分钟，不外放声音，不拍其他孩子的正脸。</p></li>
<li><p><strong>玻璃上别贴补光板、别贴手掌印。</strong>镜头遮光罩贴着窗面拍，就没有反光了。</p></li>
</ol>
<h3>要申请的拍摄</h3>
<table><tbody><tr><td><strong>类型</strong></td><td><strong>提前</strong></td><td><strong>费用</strong></td><td><strong>可拍时间</strong></td></tr>
<tr><td>商业广告、影视</td><td>7 个工作日</td><td>每小时 1,800 元</td><td>闭馆后</td></tr>
<tr><td>婚纱写真</td><td>3 个工作日</td><td>每组 2,600 元</td><td>周一至周四 7:00&mdash;8:30</td></tr>
<tr><td>学生作业、毕业短片</td><td>5 个工作日</td><td>免费</td><td>周三 15:00 后</td></tr>
<tr><td>新闻采访</td><td>1 个工作日</td><td>免费</td><td>商定</td></tr></tbody></table>
<p>申请和媒体联络：0000-555-0180，或写信到 photo@qingyu-aquarium.example。</p>
<p style="display:none;">此处插入二维码（待补）：扫码加摄影群，群号 20260511</p></section>`;

const shop = `<section><p>逛完八个展厅，出口前的<strong>潮退商店</strong>是最后一关。名字的意思是：潮水退了，沙滩上会留下一点东西。</p>
<p>营业到闭馆后 20 分钟；出馆以后想起来忘了买，可以从广场一侧的门直接进店，不用门票。</p>
<h3>今年卖得最好的</h3>
<table><thead><tr><th>名次</th><th>商品</th><th>价格</th></tr></thead><tbody>
<tr><td>1</td><td>&ldquo;浪花&rdquo;海豹毛绒（大号 45 厘米）</td><td>139 元</td></tr>
<tr><td>2</td><td>&ldquo;浪花&rdquo;海豹毛绒（小号 20 厘米）</td><td>69 元</td></tr>
<tr><td>3</td><td>八宝的罐子：可以拧开的章鱼存钱罐</td><td>88 元</td></tr>
<tr><td>4</td><td>夜光水母袜</td><td>29 元</td></tr>
<tr><td>5</td><td>二十周年纪念钛锌板书签（屋顶换下来的旧板裁的）</td><td>59 元</td></tr>
<tr><td>6</td><td>《青屿海岸鱼类图鉴》，馆内同事手绘</td><td>78 元</td></tr></tbody></table>
<ul><li><p>不提供塑料袋，帆布袋 12 元，带自己的袋子来减 1 元；</p></li><li><p>满 299 元包邮，网店电话 0000-555-0175;</p></li>
<li><p>没拆吊牌的商品，凭小票 15 天内可以退换，贴身衣物除外；</p></li><li><p>每卖出一只&ldquo;浪花&rdquo;，有 5 元进入海草床基金，上半年攒了 41,260 元。</p></li></ul>
<p>本店不卖珊瑚、贝壳、海星标本。海里的东西，留在海里最好看。</p></section>`;

const english = `<section style="font-size: 15px;"><h2>One page for our international friends<br/>给外国朋友的一页纸</h2>
<p>Hello! 你好！青屿海洋馆 (Qingyu Aquarium) sits right on the sea wall of Haiwan District. If you read only one page before coming, read this one. 带外国朋友来的本地人，也可以直接转发。</p>
<h3>1. Booking 订票</h3>
<p>The mini program has an English page: tap <strong>EN</strong> in the top right corner. 护照可以订票，passport number goes in the ID field, without spaces. Overseas bank cards are accepted at Window 3 and Window 4 only（境外银行卡只在 3 号、4 号窗口能刷）。</p>
<h3>2. Free English tour 免费英语导览</h3>
<p>Every <strong>Saturday at 11:00</strong>, meeting at the blue whale sculpture in front of the North Gate. It lasts 70 minutes and takes 15 people; first come, first served. 领队是科普部的 Su Nian（苏念），她最爱讲 mudskippers，请给她一点时间。</p>
<h3>3. Audio guide 语音导览</h3>
<p>Rental costs 25 元 a day at the Service Centre (ground floor), deposit 100 元. Languages 语种： Chinese, English, Japanese, Korean. 共 46 个讲解点，press the number on the blue fish label.</p>
<h3>4. Words you will see 馆里常见的词</h3>
<table><tbody><tr><th>中文</th><th>English</th><th>Tip</th></tr>
<tr><td>潮间带长廊</td><td>Intertidal Gallery</td><td>Two fingers only, please.</td></tr>
<tr><td>蓝渊</td><td>The Blue Abyss</td><td>Walk-through tunnel on B1.</td></tr>
<tr><td>暗光层</td><td>Twilight Zone</td><td>Very dark. Take your time.</td></tr>
<tr><td>月光厅</td><td>Moonlight Hall</td><td>Jellyfish, bean bags, quiet.</td></tr>
<tr><td>极地馆</td><td>Polar Hall</td><td>Bring a jacket.</td></tr></tbody></table>
<h3>5. Practical bits 小事</h3>
<ul><li><p>Tipping: 不用给小费， really.</p></li><li><p>Prayer room 祈祷室： 2F, next to the lecture hall, ask any staff member for the key.</p></li>
<li><p>Currency exchange 换汇： none inside; the nearest bank is 400 m east, 星期日不开门。</p></li>
<li><p>Staff wearing a <strong>yellow badge</strong> speak English; a green badge means Japanese（黄徽章会英语，绿徽章会日语）。</p></li></ul>
<p>Question? Write to hello@qingyu-aquarium.example. We answer within two days, 中英文都可以。</p></section>`;

/** Lost & found, food, photography, the shop, and a page in two languages. */
export const serviceMessages: SandboxMessage[] = [
  message('qy_20260831_001', [
    {
      title: '潮退商店：潮水退了，留下一点东西',
      author: '小屿',
      digest: '今年卖得最好的六样，和一条不卖的规矩。',
      content: shop,
    },
  ]),
  message('qy_20260727_001', [
    {
      title: 'Qingyu Aquarium in one page|给外国朋友的一页纸',
      author: '苏念',
      digest: 'Booking, English tour, audio guide and a few words you will meet.',
      content: english,
    },
  ]),
  message('qy_20260511_001', [
    {
      title: '拍照六条规矩，和四种要申请的拍摄',
      author: '运营部',
      digest: '不开闪光灯，其余好商量。',
      content: photo,
    },
  ]),
  message('qy_20260507_001', [
    {
      title: '在海洋馆吃什么？三家餐厅一次逛完',
      author: '小屿',
      digest: '食堂、茶座、冰站，以及忌口怎么办。',
      content: food,
    },
  ]),
  message('qy_20260226_001', [
    {
      title: '失物招领|一只左脚的蓝鞋，还在等右脚',
      author: '服务中心',
      digest: '二月捡到 214 件，这五件最想回家。',
      content: lostFound,
    },
  ]),
];
